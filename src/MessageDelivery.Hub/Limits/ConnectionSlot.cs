using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>
/// The slot of one connection. There is one for each idle connection: what it needs at its end it gets then. Its members are for
/// <see cref="ConnectionQuota"/>, under its lock.
/// </summary>
internal sealed class ConnectionSlot(SlotGroup group) : IConnectionSlot
{
    /// <summary>Where it is counted.</summary>
    internal SlotGroup Group { get; set; } = group;

    /// <summary>Its place among those who may be asked to give way; null while it is in conversation.</summary>
    internal YieldingSlot? Yielding { get; set; }

    /// <summary>Whether it was asked to give way, and is counted no more.</summary>
    internal bool WasAsked => Yielding is { WasAsked: true };

    public void Yield(Connection connection, bool isAllSent) => Group.Quota.Yield(this, connection, isAllSent);

    public void Release() => Group.Quota.Release(this);
}

/// <summary>A slot whose connection may be asked to give way.</summary>
internal sealed class YieldingSlot(ConnectionSlot slot, Connection connection)
{
    private SlotLink _inGroup;
    private SlotLink _inWider;

    public ConnectionSlot Slot => slot;

    /// <summary>Who is asked.</summary>
    public Connection Connection => connection;

    /// <summary>Whether it has nothing left to send.</summary>
    public bool IsAllSent { get; set; }

    /// <summary>Whether it was asked, and stands in no line any more.</summary>
    public bool WasAsked { get; set; }

    /// <summary>Its neighbours among those of a group.</summary>
    public ref SlotLink LinkIn(SlotGroup group) => ref ReferenceEquals(group, slot.Group) ? ref _inGroup : ref _inWider;
}

/// <summary>Where a slot stands in a line.</summary>
internal struct SlotLink
{
    public YieldingSlot? Previous;
    public YieldingSlot? Next;
}

/// <summary>Slots that are counted together: all of the hub, or those of one address. Not thread-safe.</summary>
/// <param name="max">How many there may be.</param>
internal sealed class SlotGroup(ConnectionQuota quota, int max)
{
    private SlotLine _sending;
    private SlotLine _allSent;

    public ConnectionQuota Quota => quota;

    /// <summary>The group in which its slots are counted, too.</summary>
    public SlotGroup? Wider { get; init; }

    /// <summary>Whose they are, if they are of one address.</summary>
    public NetworkAddress Address { get; init; }

    public int Taken { get; set; }

    public bool IsFull => Taken >= max;

    /// <summary>Who is asked first: who has everything sent, and of those who has been closing for longest. Null if nobody is closing.</summary>
    public ConnectionSlot? FirstToYield => (_allSent.First ?? _sending.First)?.Slot;

    public void AddYielding(YieldingSlot slot)
    {
        LineOf(slot).Add(slot, this);
        Wider?.AddYielding(slot);
    }

    public void RemoveYielding(YieldingSlot slot)
    {
        LineOf(slot).Remove(slot, this);
        Wider?.RemoveYielding(slot);
    }

    private ref SlotLine LineOf(YieldingSlot slot) => ref slot.IsAllSent ? ref _allSent : ref _sending;

    /// <summary>Slots in the order in which they came, linked through themselves.</summary>
    private struct SlotLine
    {
        private YieldingSlot? _last;

        public YieldingSlot? First { get; private set; }

        public void Add(YieldingSlot slot, SlotGroup group)
        {
            slot.LinkIn(group) = new() { Previous = _last };
            if (_last is null)
            {
                First = slot;
            }
            else
            {
                _last.LinkIn(group).Next = slot;
            }

            _last = slot;
        }

        public void Remove(YieldingSlot slot, SlotGroup group)
        {
            ref var link = ref slot.LinkIn(group);
            if (link.Previous is null)
            {
                First = link.Next;
            }
            else
            {
                link.Previous.LinkIn(group).Next = link.Next;
            }

            if (link.Next is null)
            {
                _last = link.Previous;
            }
            else
            {
                link.Next.LinkIn(group).Previous = link.Previous;
            }

            link = default;
        }
    }
}
