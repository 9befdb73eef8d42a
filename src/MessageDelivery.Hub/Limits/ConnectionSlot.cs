using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>The slot of one connection in one group or two. Its fields are for <see cref="ConnectionQuota"/>, under its lock.</summary>
internal sealed class ConnectionSlot(ConnectionQuota quota, SlotGroup first, SlotGroup? second) : IConnectionSlot
{
    private SlotLink _inFirst;
    private SlotLink _inSecond;

    /// <summary>Who may be asked to give way; null while it is in conversation, and once it was asked.</summary>
    internal Connection? Yielding { get; set; }

    /// <summary>Whether it has nothing left to send.</summary>
    internal bool IsAllSent { get; set; }

    /// <summary>Whether it was asked to give way, and is counted no more.</summary>
    internal bool WasAsked { get; set; }

    internal SlotGroup First => first;

    internal SlotGroup? Second => second;

    public void Yield(Connection connection, bool isAllSent) => quota.Yield(this, connection, isAllSent);

    public void Release() => quota.Release(this);

    /// <summary>Its neighbours among those of a group that may be asked.</summary>
    internal ref SlotLink LinkIn(SlotGroup group) => ref ReferenceEquals(group, first) ? ref _inFirst : ref _inSecond;
}

/// <summary>Where a slot stands in a line.</summary>
internal struct SlotLink
{
    public ConnectionSlot? Previous;
    public ConnectionSlot? Next;
}

/// <summary>Slots that are counted together: all of the hub, or those of one address. Not thread-safe.</summary>
/// <param name="max">How many there may be.</param>
internal sealed class SlotGroup(int max)
{
    private SlotLine _sending;
    private SlotLine _allSent;

    /// <summary>Whose they are, if they are of one address.</summary>
    public NetworkAddress Address { get; init; }

    public int Taken { get; set; }

    public bool IsFull => Taken >= max;

    /// <summary>Who is asked first: who has everything sent, and of those who has been closing for longest. Null if nobody is closing.</summary>
    public ConnectionSlot? FirstToYield => _allSent.First ?? _sending.First;

    public void AddYielding(ConnectionSlot slot) => LineOf(slot).Add(slot, this);

    public void RemoveYielding(ConnectionSlot slot) => LineOf(slot).Remove(slot, this);

    private ref SlotLine LineOf(ConnectionSlot slot) => ref slot.IsAllSent ? ref _allSent : ref _sending;

    /// <summary>Slots in the order in which they came, linked through themselves.</summary>
    private struct SlotLine
    {
        private ConnectionSlot? _last;

        public ConnectionSlot? First { get; private set; }

        public void Add(ConnectionSlot slot, SlotGroup group)
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

        public void Remove(ConnectionSlot slot, SlotGroup group)
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
