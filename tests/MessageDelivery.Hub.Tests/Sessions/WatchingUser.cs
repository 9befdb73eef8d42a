using System.Runtime.InteropServices;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Tests.Transport;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Sessions;

/// <summary>A binary user without a socket who may watch, and what it knows of who is there from the frames that it was sent.</summary>
internal sealed class WatchingUser
{
    private readonly StillLoop _still;
    private readonly UserRegistry _users;
    private readonly User _user;
    private readonly BinarySession _session;
    private readonly FakePeer _peer = new();

    public WatchingUser(BinaryServices services, StillLoop still)
    {
        _still = still;
        _users = services.Shared.Users;
        _user = _users.Add(null!);
        Connection = still.Connect();
        _session = new(services, Connection, _user, resumable: null);
        Connection.Handler = _session;
    }

    public ulong Id => _user.Id;

    public Connection Connection { get; }

    public bool IsWatching { get; private set; }

    /// <summary>Whom its last list and everything told since say is there.</summary>
    public SortedSet<ulong> Known { get; } = [];

    /// <summary>The PRESENCE frames that came, as change and ids.</summary>
    public List<(PresenceChange Change, ulong[] Ids)> Told { get; } = [];

    public bool Reads
    {
        get => _peer.Room != 0;
        set => _peer.Room = value ? long.MaxValue : 0;
    }

    /// <summary>What it was told, for people: <c>Joined 4 5, Left 2</c>.</summary>
    public string ToldText => string.Join(", ", Told.Select(told => $"{told.Change} {string.Join(' ', told.Ids)}"));

    /// <summary>Asks for a list, and to watch or not from then on; not while its queue is full, when it would have to wait.</summary>
    public void List(ListFlags flags)
    {
        if (Connection.Outbound.IsFull)
        {
            return;
        }

        var block = _still.Pool.Rent(BlockSize.Small);
        new FrameHeader(FrameType.List, (byte)flags, 0, 0).Write(block.Span(0, ProtocolLimits.HeaderBytes));
        Assert.Equal(ProtocolLimits.HeaderBytes, _session.Consume(new(block, 0, ProtocolLimits.HeaderBytes)));
        block.Release();
        IsWatching = flags.HasFlag(ListFlags.Watch);
    }

    /// <summary>Closes its connection.</summary>
    public void Leave()
    {
        Connection.Abort(CloseReason.Left);
        Assert.Null(_users.Find(Id));
    }

    /// <summary>
    /// Takes what is sent, if it reads, and looks at each frame: nobody is told to have come who was there, or to have gone
    /// who was not.
    /// </summary>
    public void Receive()
    {
        Connection.Outbound.Unblock();
        while (Connection.Outbound.Flush(_peer, _peer, scheduled: true) == FlushResult.More)
        {
        }

        var bytes = CollectionsMarshal.AsSpan(_peer.Received);
        while (!bytes.IsEmpty)
        {
            var header = FrameHeader.Read(bytes);
            ulong[] ids = MemoryMarshal.Cast<byte, ulong>(bytes.Slice(ProtocolLimits.HeaderBytes, (int)header.Length)).ToArray();
            bytes = bytes[(ProtocolLimits.HeaderBytes + (int)header.Length)..];
            Look(header, ids);
        }

        _peer.Received.Clear();
    }

    private void Look(in FrameHeader header, ulong[] ids)
    {
        Assert.Equal(ids.Distinct().Order(), ids);
        Assert.DoesNotContain(Id, ids);
        Assert.Equal(0, header.Flags);
        Assert.InRange(ids.Length, 0, ProtocolLimits.MaxIdsPerFrame);
        if (header.Type == FrameType.ListReply)
        {
            Known.Clear();
            Known.UnionWith(ids);
            return;
        }

        Assert.Equal(FrameType.Presence, header.Type);
        Assert.NotEmpty(ids);
        var change = (PresenceChange)header.Argument;
        Assert.All(ids, id => Assert.True(change == PresenceChange.Joined ? Known.Add(id) : Known.Remove(id), $"{id} {change} twice"));
        Told.Add((change, ids));
    }
}
