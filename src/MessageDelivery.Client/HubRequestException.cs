using MessageDelivery.Protocol;

namespace MessageDelivery.Client;

/// <summary>The hub answered a call with an error. The connection goes on.</summary>
public sealed class HubRequestException : Exception
{
    /// <summary>Creates one from what the hub said.</summary>
    public HubRequestException(ProtocolCode code, string text)
        : base(string.IsNullOrEmpty(text) ? code.Name() : $"{code.Name()}: {text}")
    {
        Code = code;
        Text = text;
    }

    /// <summary>What was wrong.</summary>
    public ProtocolCode Code { get; }

    /// <summary>The hub's words, possibly empty.</summary>
    public string Text { get; }
}
