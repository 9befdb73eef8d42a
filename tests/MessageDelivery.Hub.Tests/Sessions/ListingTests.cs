using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using MessageDelivery.Hub.Outbound;
using MessageDelivery.Hub.Protocols;
using MessageDelivery.Hub.Tests.Transport;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Users;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Sessions;

/// <summary>The answers to LIST byte for byte, of no users and of more than a frame holds, and whose memory they are.</summary>
public sealed class ListingTests : IDisposable
{
    private readonly StillLoop _still = new();
    private readonly UserRegistry _users;
    private readonly Listing _listing;
    private readonly FakePeer _peer = new();
    private readonly Connection _asker;
    private readonly List<User> _listed = [];

    public ListingTests()
    {
        _users = new(_still.Pool);
        _listing = new(_users, _still.Pool);
        _asker = _still.Connect();
    }

    public void Dispose()
    {
        _asker.Outbound.Close(_peer);
        _listed.ForEach(_users.Remove);
        _still.Dispose();
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    [InlineData(100, 50)]
    [InlineData(10_000, 1)]
    [InlineData(10_000, 5_000)]
    [InlineData(10_000, 10_000)]
    [InlineData(ProtocolLimits.MaxIdsPerFrame, 4_096)]
    [InlineData(ProtocolLimits.MaxIdsPerFrame + 1, ProtocolLimits.MaxIdsPerFrame + 1)]
    [InlineData(ProtocolLimits.MaxIdsPerFrame + 1, ProtocolLimits.MaxIdsPerFrame)]
    [InlineData(ProtocolLimits.MaxIdsPerFrame + 2, 1)]
    [InlineData((2 * ProtocolLimits.MaxIdsPerFrame) + 100, ProtocolLimits.MaxIdsPerFrame)]
    public void Programs_get_frames_without_the_asker_and_people_a_line(int users, int asker)
    {
        Join(users);
        ulong[] others = [.. _listed.Select(user => user.Id).Where(id => id != (ulong)asker)];
        _listing.SendFrames(_asker, (ulong)asker);
        Flush();
        Assert.Equal(Frames(others), _peer.Received);

        _peer.Received.Clear();
        var room = new ArrayBufferWriter<byte>();
        _listing.SendLine(_asker, (ulong)asker, room);
        Flush();
        Assert.Equal($"[Server] Client IDs are {string.Join(", ", others)}\n", Encoding.ASCII.GetString([.. _peer.Received]));
        Assert.Equal(0, room.WrittenCount);
    }

    [Fact]
    public void A_list_that_waits_stays_as_it_was()
    {
        Join(5_000);
        byte[] expected = Frames([.. _listed.Skip(1).Select(user => user.Id)]);
        _listing.SendFrames(_asker, 1);
        int before = _still.Pool.OutstandingBlocks;
        _listed.GetRange(0, 4_000).ForEach(_users.Remove);
        _listed.RemoveRange(0, 4_000);
        Join(3_000);
        _peer.Room = 20_000;
        Flush();
        _listed.GetRange(0, 500).ForEach(_users.Remove);
        _listed.RemoveRange(0, 500);
        _peer.Room = long.MaxValue;
        _asker.Outbound.Unblock();
        Flush();
        Assert.Equal(expected, _peer.Received);
        Assert.True(_still.Pool.OutstandingBlocks < before, "The pages of a list that was sent are still held.");
    }

    [Fact]
    public void Lists_that_wait_share_their_memory()
    {
        Join(20_000);
        int before = _still.Pool.OutstandingBlocks;
        for (int i = 0; i < 200; i++)
        {
            _listing.SendFrames(_asker, 1);
        }

        // 32 MB of answers: their headers, and what is cut off around the asker.
        Assert.Equal(200 * (8 + (8 * 19_999)), _asker.Outbound.PendingBytes);
        Assert.InRange(_still.Pool.OutstandingBlocks - before, 1, 4);
    }

    private void Join(int users) => _listed.AddRange(Enumerable.Range(0, users).Select(_ => _users.Add(null!)));

    private void Flush()
    {
        while (_asker.Outbound.Flush(_peer, _peer, scheduled: true) == FlushResult.More)
        {
        }
    }

    private static byte[] Frames(ulong[] ids)
    {
        var frames = new List<byte>();
        ulong[][] parts = [.. ids.Chunk(ProtocolLimits.MaxIdsPerFrame).DefaultIfEmpty([])];
        for (int i = 0; i < parts.Length; i++)
        {
            var header = new byte[ProtocolLimits.HeaderBytes];
            var flags = i < parts.Length - 1 ? ListReplyFlags.More : ListReplyFlags.None;
            new FrameHeader(FrameType.ListReply, (byte)flags, 0, (uint)parts[i].Length * 8).Write(header);
            frames.AddRange(header);
            frames.AddRange(MemoryMarshal.AsBytes(parts[i].AsSpan()));
        }

        return [.. frames];
    }
}
