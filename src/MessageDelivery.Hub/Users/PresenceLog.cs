using System.Buffers;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Users;

/// <summary>
/// Who came and went of late, in order, while anybody watches. A watcher has a position in it, of the same moment as its list;
/// what stands behind that is what it has yet to be told. Guarded by the registry's lock.
/// </summary>
/// <remarks>
/// It holds the last <see cref="MaxEvents"/>: watchers that are further behind have lost their place. No more than one
/// frame of each kind is ever needed for what it holds.
/// </remarks>
internal sealed class PresenceLog
{
    public const int MaxEvents = ProtocolLimits.MaxIdsPerFrame;

    private PresenceEvent[] _ring = [];

    /// <summary>The position behind the last event.</summary>
    public long End { get; private set; }

    /// <summary>The position of the oldest event that it still holds.</summary>
    public long Start => Math.Max(0, End - MaxEvents);

    public int Watchers { get; private set; }

    /// <summary>Keeps events from now on.</summary>
    public void AddWatcher()
    {
        Watchers++;
        if (_ring.Length == 0)
        {
            _ring = new PresenceEvent[MaxEvents];
        }
    }

    public void RemoveWatcher() => Watchers--;

    /// <summary>Notes an event. False if nobody watches.</summary>
    public bool Note(ulong id, PresenceChange change, int group = 0)
    {
        if (Watchers == 0)
        {
            return false;
        }

        _ring[End++ % MaxEvents] = new(id, change, group);
        return true;
    }

    /// <summary>Adds the events from a position that it still holds to a buffer.</summary>
    public void CopyTo(ArrayBufferWriter<PresenceEvent> buffer, long from)
    {
        int count = (int)(End - from);
        int first = (int)(from % MaxEvents);
        int toEnd = Math.Min(count, MaxEvents - first);
        buffer.Write(_ring.AsSpan(first, toEnd));
        buffer.Write(_ring.AsSpan(0, count - toEnd));
    }
}
