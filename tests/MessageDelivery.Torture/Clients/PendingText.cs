using System.Globalization;
using MessageDelivery.Protocol;

namespace MessageDelivery.Torture.Clients;

/// <summary>
/// What the hub says of a text user's relay, in one or two lines: whom it did not reach and why, and then whom it did.
/// </summary>
internal sealed class PendingText(ulong[] receivers)
{
    private readonly Dictionary<ulong, Outcome> _outcomes = [];

    /// <summary>One for each receiver as listed; null while some are missing.</summary>
    public byte[]? Outcomes => Array.TrueForAll(receivers, _outcomes.ContainsKey)
        ? Array.ConvertAll(receivers, receiver => (byte)_outcomes[receiver])
        : null;

    /// <summary>Takes a line; false if it names somebody who was not listed, or for the second time.</summary>
    public bool Add(string line)
    {
        string list = line[(line.IndexOf(" to ", StringComparison.Ordinal) + 4)..];
        foreach (string group in list.Split("; "))
        {
            string[] parts = group.Split(": ");
            var outcome = parts.Length == 1 ? Outcome.Accepted : parts[1] == Outcome.Full.Name() ? Outcome.Full : Outcome.Unknown;
            foreach (string id in parts[0].Split(", "))
            {
                ulong receiver = ulong.Parse(id, CultureInfo.InvariantCulture);
                if (!receivers.Contains(receiver) || !_outcomes.TryAdd(receiver, outcome))
                {
                    return false;
                }
            }
        }

        return true;
    }
}
