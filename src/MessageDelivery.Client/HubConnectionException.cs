using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>
/// The connection to the hub could not be made, or has ended. Every call that was pending ends with the same one; whether the
/// hub had carried it out is not known.
/// </summary>
public class HubConnectionException : IOException
{
    /// <summary>Creates one.</summary>
    /// <param name="code">The code of the hub's GOODBYE, or of what the client found wrong; null where only the socket failed.</param>
    /// <param name="text">The hub's text, or what happened.</param>
    /// <param name="innerException">What the socket or the clock said, if anything.</param>
    public HubConnectionException(ProtocolCode? code, string text, Exception? innerException = null)
        : base(code is { } known ? (string.IsNullOrEmpty(text) ? known.Name() : $"{known.Name()}: {text}") : text, innerException)
    {
        Code = code;
        Text = text;
    }

    /// <summary>The code of the hub's GOODBYE, or of what the client found wrong with the hub; null where only the socket failed.</summary>
    public ProtocolCode? Code { get; }

    /// <summary>The hub's text, possibly empty, or what happened.</summary>
    public string Text { get; }

    /// <summary>Whether connecting again makes sense; <see cref="ReconnectAdvice.Yes"/> after a lost socket.</summary>
    public virtual ReconnectAdvice ReconnectAdvice => Code?.Advice() ?? ReconnectAdvice.Yes;

    /// <summary>The program has closed the client.</summary>
    internal static HubConnectionException ClosedHere() => new(ProtocolCode.Normal, "the client was closed");
}
