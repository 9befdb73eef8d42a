using System.Globalization;
using System.Text;

namespace MessageDelivery.RawClient;

/// <summary>What lines of the hub to text users begin with.</summary>
public static class ServerText
{
    public const string Prefix = "[Server] ";
    public const string Identity = Prefix + "Your ID is ";
    public const string Error = Prefix + "Error: ";
    public const string List = Prefix + "Client IDs are ";
    public const string NotDelivered = Prefix + "Not delivered to ";
    public const string Relayed = Prefix + "Relayed to ";
    public const string From = Prefix + "Message from ";
    public const string BodyPrompt = Prefix + "Type the body";

    /// <summary>The id in an answer to <c>identity</c> or <c>auth</c>; null where a line is none.</summary>
    public static ulong? IdIn(ReadOnlySpan<byte> line)
    {
        string text = Encoding.UTF8.GetString(line).TrimEnd('\r');
        return text.StartsWith(Identity, StringComparison.Ordinal)
            && ulong.TryParse(text.AsSpan(Identity.Length), NumberStyles.None, CultureInfo.InvariantCulture, out ulong id) ? id : null;
    }
}
