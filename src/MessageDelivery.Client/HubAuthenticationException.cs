using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// The hub wants a token (<see cref="ProtocolCode.AuthRequired"/>), or does not take this one any more or at all
/// (<see cref="ProtocolCode.AuthFailed"/>); its text says which. The same token will not do: a client with a fixed one does not connect
/// again, one with a <see cref="HubClientOptions.TokenProvider"/> asks that for another one, once.
/// </summary>
public sealed class HubAuthenticationException : HubConnectionException
{
    /// <summary>Creates one.</summary>
    /// <param name="code">The code of the hub's GOODBYE.</param>
    /// <param name="text">The hub's text.</param>
    public HubAuthenticationException(ProtocolCode code, string text)
        : base(code, text)
    {
    }
}
