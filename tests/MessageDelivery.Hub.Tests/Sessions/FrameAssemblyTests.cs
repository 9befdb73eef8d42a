using CsCheck;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Protocols.Binary;
using MessageDelivery.Hub.Tests.Running;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Sessions;

/// <summary>Frames that come in pieces.</summary>
public sealed class FrameAssemblyTests
{
    [Fact]
    public void Any_cut_gives_the_same_frame() => Gen.Select(Gen.Int[0, 200_000], Gen.Int[1, 70_000].Array[1, 12]).Sample((bodyBytes, cuts) =>
    {
        using var pool = new BlockPool(64 << 20);
        var assembly = new FrameAssembly(pool);
        byte[] frame = Peer.Relay([.. Enumerable.Range(0, bodyBytes).Select(i => (byte)(i * 7))], RelayFlags.None, 1);
        var header = Lay(frame, out var layout);
        for (int done = 0, cut = 0; done < frame.Length; cut++)
        {
            // The first piece holds at least what stands before the body.
            int length = Math.Min(frame.Length - done, Math.Max(cuts[cut % cuts.Length], done == 0 ? layout.BodyOffset : 1));
            var block = pool.Rent(BlockSize.Large);
            var piece = new Segment(block, cut % 100, length);
            frame.AsSpan(done, length).CopyTo(piece.Span);
            if (done == 0)
            {
                assembly.Begin(header, layout, piece);
            }
            else
            {
                assembly.Add(piece);
            }

            done += length;
            block.Release();
            Assert.True(assembly.IsUnderWay);
            Assert.Equal(frame.Length - done, assembly.Missing);
            Assert.Equal(done, assembly.Bytes);
        }

        byte[] assembled = [];
        foreach (var part in assembly.Parts)
        {
            assembled = [.. assembled, .. part.Span];
        }

        Assert.Equal(frame, assembled);
        Assert.True(assembly.Parts[0].Length >= layout.BodyOffset);
        assembly.End();
        Assert.False(assembly.IsUnderWay);
        Assert.Equal(0, pool.OutstandingBlocks);
    }, iter: 100);

    [Fact]
    public void Memory_follows_what_has_come_not_what_was_declared()
    {
        using var pool = new BlockPool(8 << 20);
        byte[] frame = Peer.Relay(new byte[ProtocolLimits.MaxBodyBytes], RelayFlags.None, 1);
        var header = Lay(frame, out var layout);
        var received = pool.Rent(BlockSize.Large);
        frame.AsSpan(0, 1_000).CopyTo(received.Span(0, 1_000));
        var beginnings = Enumerable.Range(0, 128).Select(_ => new FrameAssembly(pool)).ToList();
        beginnings.ForEach(assembly => assembly.Begin(header, layout, new(received, 0, 1_000)));
        // 2 KiB for each: one slab beside the one they came in.
        Assert.Equal(2 * BlockSizes.LargeBytes, pool.UsedBytes);
        Assert.True(received.IsExclusive);
        beginnings.ForEach(assembly => assembly.End());
        received.Release();
        Assert.Equal(0, pool.OutstandingBlocks);
    }

    [Fact]
    public void Large_pieces_stay_where_they_were_received()
    {
        using var pool = new BlockPool(8 << 20);
        byte[] frame = Peer.Relay(new byte[100_000], RelayFlags.None, 1);
        var header = Lay(frame, out var layout);
        var received = pool.Rent(BlockSize.Large);
        var assembly = new FrameAssembly(pool);
        assembly.Begin(header, layout, new(received, 0, 50_000));
        assembly.Add(new(received, 50_000, frame.Length - 50_000));
        Assert.Equal([new Segment(received, 0, frame.Length)], assembly.Parts.ToArray());
        Assert.Equal(1, pool.OutstandingBlocks);
        assembly.End();
        Assert.True(received.IsExclusive);
        received.Release();
    }

    private static FrameHeader Lay(byte[] frame, out RelayLayout layout)
    {
        var header = FrameHeader.Read(frame);
        Assert.Equal(ProtocolCode.Normal, RelayLayout.TryLayOut(header, out layout));
        return header;
    }
}
