namespace MessageDelivery.Hub.Access;

/// <summary>A file with tokens, keys or a secret cannot be used; the message names it and says why, and nothing of what is secret in it.</summary>
public sealed class AccessFileException : Exception
{
    /// <summary>Makes one.</summary>
    public AccessFileException(string message)
        : base(message)
    {
    }

    /// <summary>Makes one that another exception has led to.</summary>
    public AccessFileException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
