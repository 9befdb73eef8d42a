using System.Numerics;

namespace MessageDelivery.Hub.Loop;

/// <summary>Something that stands in a <see cref="TimingWheel"/>; at most once.</summary>
internal abstract class WheelEntry
{
    internal const int None = -1;

    internal WheelEntry? Previous { get; set; }

    internal WheelEntry? Next { get; set; }

    internal int Slot { get; set; } = None;

    /// <summary>When it wants to be looked at, in milliseconds of the wheel's clock.</summary>
    internal long Due { get; set; }

    /// <summary>Its slot has come, and it stands in the wheel no more; what it was due for may still be ahead. The loop's thread.</summary>
    internal abstract void OnDue();

    /// <summary><see cref="OnDue"/> has thrown. The loop's thread.</summary>
    internal virtual void Failed()
    {
    }
}

/// <summary>
/// Deadlines with a resolution of 16 ms, in constant time and without allocation: a hashed timing wheel (Varghese and Lauck,
/// 1987, scheme 6). A deadline beyond one turn waits in the last slot and is looked at again. Used by one thread.
/// </summary>
internal sealed class TimingWheel
{
    public const int ResolutionMilliseconds = 16;

    private const int Slots = 512;

    private readonly WheelEntry?[] _slots = new WheelEntry?[Slots];
    private readonly WheelEntry?[] _lasts = new WheelEntry?[Slots];
    private readonly ulong[] _occupied = new ulong[Slots / 64];
    private long _tick;

    public TimingWheel(long now) => _tick = now / ResolutionMilliseconds;

    /// <summary>Puts an entry where it is found at <paramref name="due"/>, or moves it there.</summary>
    public void Set(WheelEntry entry, long due)
    {
        Remove(entry);
        entry.Due = due;
        long tick = Math.Clamp((due + ResolutionMilliseconds - 1) / ResolutionMilliseconds, _tick + 1, _tick + Slots - 1);
        int slot = (int)(tick % Slots);
        entry.Slot = slot;
        entry.Previous = _lasts[slot];
        if (entry.Previous is { } previous)
        {
            previous.Next = entry;
        }
        else
        {
            _slots[slot] = entry;
        }

        _lasts[slot] = entry;
        _occupied[slot / 64] |= 1UL << (slot % 64);
    }

    public void Remove(WheelEntry entry)
    {
        int slot = entry.Slot;
        if (slot == WheelEntry.None)
        {
            return;
        }

        if (entry.Previous is { } previous)
        {
            previous.Next = entry.Next;
        }
        else
        {
            _slots[slot] = entry.Next;
            if (entry.Next is null)
            {
                _occupied[slot / 64] &= ~(1UL << (slot % 64));
            }
        }

        if (entry.Next is { } next)
        {
            next.Previous = entry.Previous;
        }
        else
        {
            _lasts[slot] = entry.Previous;
        }

        entry.Previous = entry.Next = null;
        entry.Slot = WheelEntry.None;
    }

    /// <summary>Takes out the first entry whose slot has come; its deadline may still be ahead. Null if there is none.</summary>
    public WheelEntry? Next(long now)
    {
        long target = now / ResolutionMilliseconds;
        while (true)
        {
            if (_slots[(int)(_tick % Slots)] is { } entry)
            {
                Remove(entry);
                return entry;
            }

            if (_tick >= target)
            {
                return null;
            }

            // Whole turns that nobody looked at hold nothing new after the first.
            _tick = Math.Max(_tick + 1, target - Slots);
        }
    }

    /// <summary>Milliseconds until the next entry has to be looked at; -1 if there is none.</summary>
    public int UntilNext(long now)
    {
        int from = (int)(_tick % Slots);
        for (int step = 0; step <= _occupied.Length; step++)
        {
            int word = ((from / 64) + step) % _occupied.Length;
            ulong bits = _occupied[word];
            bits &= step == 0 ? ulong.MaxValue << (from % 64) : step == _occupied.Length ? ~(ulong.MaxValue << (from % 64)) : ulong.MaxValue;
            if (bits != 0)
            {
                int slot = (word * 64) + BitOperations.TrailingZeroCount(bits);
                long tick = _tick + ((slot - from + Slots) % Slots);
                return (int)Math.Max(0, (tick * ResolutionMilliseconds) - now);
            }
        }

        return -1;
    }
}
