using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// TLS with the hub failed: its certificate does not hold, it would not have the client's, or it does not speak TLS. Connecting again
/// would end the same way, so that it is not tried. A connection that merely ended during the handshake is a
/// <see cref="HubConnectionException"/>, and is tried again.
/// </summary>
public sealed class HubTlsException : HubConnectionException
{
    /// <summary>Creates one.</summary>
    /// <param name="text">What is wrong.</param>
    /// <param name="innerException">What TLS said of it.</param>
    public HubTlsException(string text, Exception? innerException = null)
        : base(null, text, innerException)
    {
    }

    /// <inheritdoc/>
    public override ReconnectAdvice ReconnectAdvice => ReconnectAdvice.No;
}
