using MessageDelivery.Hub.Transport;

namespace MessageDelivery.Hub.Limits;

/// <summary>The place of one connection in one group or two. Its fields are for <see cref="ConnectionPlaces"/>, under its lock.</summary>
internal sealed class DescriptorPlace(ConnectionPlaces places, PlaceGroup first, PlaceGroup? second) : IDescriptorPlace
{
    private PlaceLink _inFirst;
    private PlaceLink _inSecond;

    /// <summary>Who may be asked to give way; null while it is in conversation, and once it was asked.</summary>
    internal Connection? Yielding { get; set; }

    /// <summary>Whether it has nothing left to send.</summary>
    internal bool IsAllSent { get; set; }

    /// <summary>Whether it was asked to give way, and is counted no more.</summary>
    internal bool WasAsked { get; set; }

    internal PlaceGroup First => first;

    internal PlaceGroup? Second => second;

    /// <inheritdoc/>
    public void Yield(Connection connection, bool isAllSent) => places.Yield(this, connection, isAllSent);

    /// <inheritdoc/>
    public void Leave() => places.Leave(this);

    /// <summary>Its neighbours among those of a group that may be asked.</summary>
    internal ref PlaceLink LinkIn(PlaceGroup group) => ref ReferenceEquals(group, first) ? ref _inFirst : ref _inSecond;
}

/// <summary>Where a place stands in a line.</summary>
internal struct PlaceLink
{
    public DescriptorPlace? Previous;
    public DescriptorPlace? Next;
}

/// <summary>Places that are counted together: all of the hub, or those of one address. Not thread-safe.</summary>
/// <param name="most">How many there may be.</param>
internal sealed class PlaceGroup(int most)
{
    private PlaceLine _sending;
    private PlaceLine _allSent;

    /// <summary>Whose they are, if they are of one address.</summary>
    public NetworkAddress Address { get; init; }

    public int Taken { get; set; }

    public bool IsFull => Taken >= most;

    /// <summary>Who is asked first: who has everything sent, and of those who has been closing for longest. Null if nobody is closing.</summary>
    public DescriptorPlace? FirstToYield => _allSent.First ?? _sending.First;

    public void AddYielding(DescriptorPlace place) => LineOf(place).Add(place, this);

    public void RemoveYielding(DescriptorPlace place) => LineOf(place).Remove(place, this);

    private ref PlaceLine LineOf(DescriptorPlace place) => ref place.IsAllSent ? ref _allSent : ref _sending;

    /// <summary>Places in the order in which they came, linked through themselves.</summary>
    private struct PlaceLine
    {
        private DescriptorPlace? _last;

        public DescriptorPlace? First { get; private set; }

        public void Add(DescriptorPlace place, PlaceGroup group)
        {
            place.LinkIn(group) = new() { Previous = _last };
            if (_last is null)
            {
                First = place;
            }
            else
            {
                _last.LinkIn(group).Next = place;
            }

            _last = place;
        }

        public void Remove(DescriptorPlace place, PlaceGroup group)
        {
            ref var link = ref place.LinkIn(group);
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
