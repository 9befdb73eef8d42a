using System.Globalization;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Verbs;

/// <summary>Lists of user ids as people write them: <c>2,3</c>.</summary>
internal static class ReceiverIds
{
    /// <exception cref="CommandException">It is not such a list; the message names the wrong part.</exception>
    public static ulong[] Parse(IEnumerable<string> texts)
    {
        string[] parts = [.. texts.SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries))];
        if (parts.Length > ProtocolLimits.MaxReceivers)
        {
            throw new CommandException(ExitCode.Usage, $"{parts.Length} receivers; a relay has at most {ProtocolLimits.MaxReceivers}");
        }

        return [.. parts.Select(part => ulong.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out ulong id)
            ? id
            : throw new CommandException(ExitCode.Usage, $"'{part}' is not a user id; receivers are written 2,3"))];
    }
}
