using System.Globalization;

namespace MessageDelivery.Protocol.Text;

/// <summary>The ids of one relay, as listed.</summary>
internal sealed class ReceiverList(int limit)
{
    // Allocated by the first relay; keeps the size of the longest list.
    private ulong[] _ids = [];
    private int _count;

    public ReadOnlySpan<ulong> Ids => _ids.AsSpan(0, _count);

    /// <summary>Reads decimal ids separated by commas, with spaces around them. On false the error is written.</summary>
    public bool TryParse(ReadOnlySpan<byte> list, ErrorText error)
    {
        _count = 0;
        int entries = list.Count((byte)',') + 1;
        if (list.Trim((byte)' ').IsEmpty)
        {
            error.Begin(ProtocolCode.InvalidReceivers).Add("no receivers; 1 to "u8).Add((ulong)limit).Add(" ids are wanted, such as 42,9001"u8);
            return false;
        }
        if (entries > limit)
        {
            error.Begin(ProtocolCode.InvalidReceivers).Add((ulong)entries).Add(" receivers; the limit is "u8).Add((ulong)limit);
            return false;
        }
        if (_ids.Length < entries)
        {
            Array.Resize(ref _ids, Math.Min(limit, Math.Max(8, entries * 2)));
        }
        ReadOnlySpan<byte> rest = list;
        while (_count < entries)
        {
            int comma = rest.IndexOf((byte)',');
            ReadOnlySpan<byte> entry = (comma < 0 ? rest : rest[..comma]).Trim((byte)' ');
            if (!TryParseId(entry, list, error, out _ids[_count]))
            {
                return false;
            }
            _count++;
            rest = rest[(comma + 1)..];
        }
        return true;
    }

    private static bool TryParseId(ReadOnlySpan<byte> entry, ReadOnlySpan<byte> list, ErrorText error, out ulong id)
    {
        id = 0;
        if (entry.IsEmpty)
        {
            error.Begin(ProtocolCode.InvalidReceivers).Add("an id is missing in "u8).Quote(list.Trim((byte)' '));
            return false;
        }
        // ulong.TryParse accepts trailing NUL bytes.
        if (entry.IndexOfAnyExceptInRange((byte)'0', (byte)'9') >= 0)
        {
            error.Begin(ProtocolCode.InvalidReceivers).Quote(entry).Add(" is not an id: ids are decimal numbers, separated by commas"u8);
            return false;
        }
        if (!ulong.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out id))
        {
            error.Begin(ProtocolCode.InvalidReceivers).Quote(entry).Add(" is not an id: the largest is "u8).Add(ulong.MaxValue);
            return false;
        }
        return true;
    }
}
