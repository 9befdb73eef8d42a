using System.Runtime.InteropServices;
using MessageDelivery.Fuzz.Inputs;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport.Layers;
using MessageDelivery.RawClient;

namespace MessageDelivery.Fuzz.Targets;

/// <summary>
/// A client's frames to the layer of WebSocket: what comes out is what the model reads, however they are cut. And the other way: what is sent comes
/// out of the layer's frames, however little the layer below takes.
/// </summary>
internal static class WebSocketTarget
{
    public static void Run(ReadOnlySpan<byte> bytes)
    {
        var input = new FuzzInput(bytes);
        var model = WebSocketModel.Of(input.Stream);
        Check("in one piece", model, input.Whole);
        Check("cut into pieces", model, input.Pieces());
        CheckSending(input);
    }

    private static void Check(string how, WebSocketModel model, List<ReadOnlyMemory<byte>> pieces)
    {
        var reader = new WebSocketReader();
        var payload = new List<byte>();
        foreach (var piece in pieces)
        {
            byte[] copy = piece.ToArray();
            int count = reader.Read(copy);
            Oracle.True(count >= 0 && count <= copy.Length, $"{count} bytes of payload in {copy.Length}");
            payload.AddRange(copy[..count]);
        }

        Oracle.Same($"the payload {how}", CollectionsMarshal.AsSpan(model.Payload), CollectionsMarshal.AsSpan(payload));
        Oracle.True(reader.Failure == model.Failure, $"{how} it ends with {reader.Failure}, and {model.Failure} is due");
        Oracle.True(reader.IdleFrames == model.IdleFrames, $"{how} {reader.IdleFrames} frames bring nothing, and {model.IdleFrames} do");
        Same($"the close {how}", model.Close, reader.Close);
        Same($"the ping {how}", model.LastPing, reader.Ping);
    }

    private static void Same(string what, byte[]? expected, byte[]? seen)
    {
        Oracle.True((expected is null) == (seen is null), $"{what}: {(seen is null ? "none" : "one")} has come");
        Oracle.Same(what, expected ?? [], seen ?? []);
    }

    /// <summary>The stream, some of it several times over, is sent in pieces; each is offered again until it is taken.</summary>
    private static unsafe void CheckSending(FuzzInput input)
    {
        byte[] sent = input.Has(0) ? [.. Enumerable.Repeat(input.Stream, Math.Min(40, (200_000 / Math.Max(1, input.Stream.Length)) + 1)).SelectMany(part => part)] : input.Stream;
        var lower = new MiserlyLayer(input);
        var layer = new WebSocketLayer(lower, "answer"u8.ToArray());
        var counters = new LoopCounters();
        fixed (byte* start = sent)
        {
            int at = 0;
            foreach (var piece in input.Cut(sent, input.Has(1) ? 50_000 : 1))
            {
                for (int end = at + piece.Length; at < end;)
                {
                    // In two vectors, as a queue with two segments has it.
                    int half = (end - at) / 2;
                    ReadOnlySpan<Libc.IoVector> vectors = half == 0
                        ? [new() { Address = start + at, Length = end - at }]
                        : [new() { Address = start + at, Length = half }, new() { Address = start + at + half, Length = end - at - half }];
                    long taken = layer.Send(vectors, counters);
                    Oracle.True(taken >= 0 && taken <= end - at, $"{taken} of {end - at} bytes are taken");
                    at += (int)taken;
                }
            }
        }

        layer.NoteEnding(3, new string('é', 100));
        for (int rounds = 0; !layer.TryFinish(counters); rounds++)
        {
            Oracle.True(rounds < 1_000, "the close does not leave");
        }

        Oracle.Same("what comes first", "answer"u8, CollectionsMarshal.AsSpan(lower.Taken)[..6]);
        var frames = new WebSocketFrames();
        var payload = new ReceiveBuffer(sent.Length + 1);
        frames.Take(CollectionsMarshal.AsSpan(lower.Taken)[6..], payload);
        Oracle.Same("what was sent", sent, payload.Unread.Span);
        Oracle.True(frames.LongestMessage <= 64 << 10, $"a message of {frames.LongestMessage} bytes");
        Oracle.True(frames.CloseCode == 4003 && frames.CloseReason == new string('é', 61), $"the close {frames.CloseCode} {frames.CloseReason}");
    }

    /// <summary>Takes a few bytes at a time, as the input says.</summary>
    private sealed unsafe class MiserlyLayer(FuzzInput input) : ByteLayer
    {
        private readonly int[] _room = [.. input.Pieces().Select(piece => piece.Length * (input.Has(2) ? 3_001 : 1)), 1 << 30];
        private int _sends;

        public List<byte> Taken { get; } = [];

        public override int Descriptor => -1;

        public override int UnacknowledgedBytes => 0;

        public override long Receive(Span<byte> destination, LoopCounters counters, out bool more) => throw new NotSupportedException();

        public override long Drop(int bytes) => throw new NotSupportedException();

        public override long Send(ReadOnlySpan<Libc.IoVector> vectors, LoopCounters counters)
        {
            long room = _room[_sends++ % _room.Length];
            long taken = 0;
            foreach (ref readonly var vector in vectors)
            {
                int here = (int)Math.Min(vector.Length, room - taken);
                Taken.AddRange(new ReadOnlySpan<byte>(vector.Address, here));
                taken += here;
            }

            return taken;
        }

        public override bool TryFinish(LoopCounters counters) => true;

        public override bool HasVanished(long afterMilliseconds) => false;

        public override void ResetOnClose()
        {
        }

        public override void Close()
        {
        }
    }
}
