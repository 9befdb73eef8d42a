using System.Buffers;
using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Protocols.Binary;

/// <summary>What happened in a while as PRESENCE frames: who came and is still there, and who went and had been there. One thread.</summary>
internal sealed class PresenceBatch(BlockPool pool) : IPresenceWriter
{
    private readonly SegmentWriter _frames = new(pool);

    public ReadOnlySpan<Segment> Batch => _frames.Segments.Items;

    /// <summary>
    /// Writes the frames of events in the order in which they happened: at most <see cref="PresenceLog.MaxEvents"/>, so that a
    /// frame of each kind holds them.
    /// </summary>
    public void Write(ReadOnlySpan<PresenceEvent> events)
    {
        Clear();
        ulong[] joined = ArrayPool<ulong>.Shared.Rent(events.Length);
        ulong[] left = ArrayPool<ulong>.Shared.Rent(events.Length);
        try
        {
            var (joinedCount, leftCount) = Split(events, joined, left);
            Write(PresenceChange.Joined, joined.AsSpan(0, joinedCount));
            Write(PresenceChange.Left, left.AsSpan(0, leftCount));
        }
        finally
        {
            ArrayPool<ulong>.Shared.Return(joined);
            ArrayPool<ulong>.Shared.Return(left);
        }
    }

    public void Clear() => _frames.Clear();

    private static (int Joined, int Left) Split(ReadOnlySpan<PresenceEvent> events, ulong[] joined, ulong[] left)
    {
        int came = 0;
        int went = 0;
        foreach (var item in events)
        {
            if (item.Change == PresenceChange.Joined)
            {
                joined[came++] = item.Id;
            }
            else
            {
                left[went++] = item.Id;
            }
        }

        Sort(joined.AsSpan(0, came));
        Sort(left.AsSpan(0, went));
        return LeaveOutBoth(joined.AsSpan(0, came), left.AsSpan(0, went));
    }

    /// <summary>Puts ids in order, unless they are: those who came are where ids are given in ascending order.</summary>
    private static void Sort(Span<ulong> ids)
    {
        for (int i = 1; i < ids.Length; i++)
        {
            if (ids[i] < ids[i - 1])
            {
                ids.Sort();
                return;
            }
        }
    }

    /// <summary>Takes out of two ascending lists what is in both.</summary>
    private static (int First, int Second) LeaveOutBoth(Span<ulong> first, Span<ulong> second)
    {
        int keptFirst = 0;
        int keptSecond = 0;
        int j = 0;
        foreach (ulong id in first)
        {
            while (j < second.Length && second[j] < id)
            {
                second[keptSecond++] = second[j++];
            }

            if (j < second.Length && second[j] == id)
            {
                j++;
            }
            else
            {
                first[keptFirst++] = id;
            }
        }

        while (j < second.Length)
        {
            second[keptSecond++] = second[j++];
        }

        return (keptFirst, keptSecond);
    }

    private void Write(PresenceChange change, ReadOnlySpan<ulong> ids)
    {
        if (ids.IsEmpty)
        {
            return;
        }

        var bytes = MemoryMarshal.AsBytes(ids);
        Span<byte> header = stackalloc byte[ProtocolLimits.HeaderBytes];
        new FrameHeader(FrameType.Presence, 0, (ushort)change, (uint)bytes.Length).Write(header);
        // In one block, if one holds it.
        _ = _frames.Room(header.Length + bytes.Length);
        _frames.Write(header);
        _frames.Write(bytes);
    }
}
