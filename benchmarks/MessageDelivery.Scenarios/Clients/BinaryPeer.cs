using System.Buffers.Binary;
using System.Net;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>
/// A user of the binary protocol. One that connects synchronously keeps its socket blocking, which is the cheapest for a
/// thread of its own; the others are for crowds.
/// </summary>
internal sealed class BinaryPeer : IDisposable
{
    private BinaryPeer(WireConnection wire, in Frame answer)
    {
        Wire = wire;
        UserId = answer.Type == FrameType.Welcome && WelcomePayload.TryRead(answer.Payload.Span, out var welcome)
            ? welcome.UserId
            : throw new InvalidDataException($"the hub answered HELLO with {answer.Type} {answer.Code.Name()}");
    }

    public WireConnection Wire { get; }

    public ulong UserId { get; }

    public static BinaryPeer Connect(IPEndPoint hub, int bufferBytes)
    {
        var wire = WireConnection.Connect(hub, TimeSpan.FromMinutes(1), bufferBytes);
        wire.Send(FrameBytes.Hello());
        // Exactly the WELCOME: a receiver that never reads has not read a byte more.
        wire.ReadsAhead = false;
        var peer = new BinaryPeer(wire, wire.ReceiveFrame());
        wire.ReadsAhead = true;
        return peer;
    }

    /// <param name="sendBufferBytes">What the kernel may hold of it; null leaves that to the kernel.</param>
    /// <param name="from">The address that the hub sees; null leaves that to the kernel.</param>
    public static async Task<BinaryPeer> ConnectAsync(IPEndPoint hub, int bufferBytes, int? sendBufferBytes = null, IPAddress? from = null)
    {
        var wire = await WireConnection.ConnectAsync(
            hub,
            socket =>
            {
                socket.SendBufferSize = sendBufferBytes ?? socket.SendBufferSize;
                if (from is not null)
                {
                    socket.Bind(new IPEndPoint(from, 0));
                }
            },
            bufferBytes);
        try
        {
            await wire.SendAsync(FrameBytes.Hello());
            return new(wire, await wire.ReceiveFrameAsync());
        }
        catch
        {
            wire.Dispose();
            throw;
        }
    }

    /// <summary>Says GOODBYE and waits for the hub's, which comes when all that was sent before has been carried out.</summary>
    public async Task GoodbyeAsync()
    {
        await Wire.SendAsync(FrameBytes.Header(FrameType.Goodbye));
        while (await Wire.ReceiveFrameAsync() is { Type: not FrameType.GoodbyeReply } frame)
        {
            Checked(frame);
        }
    }

    /// <summary>The next frame that came already.</summary>
    public bool TryTake(out Frame frame)
    {
        bool isThere = Wire.Received.TryTakeFrame(out frame);
        Checked(frame);
        return isThere;
    }

    public Frame Receive() => Checked(Wire.ReceiveFrame());

    public async ValueTask<Frame> ReceiveAsync() => Checked(await Wire.ReceiveFrameAsync());

    /// <summary>Asks who else is here.</summary>
    public ulong[] List()
    {
        Wire.Send(FrameBytes.Header(FrameType.List));
        var ids = new List<ulong>();
        Frame frame;
        do
        {
            frame = Receive();
            for (int offset = 0; frame.Type == FrameType.ListReply && offset < frame.Payload.Length; offset += 8)
            {
                ids.Add(BinaryPrimitives.ReadUInt64LittleEndian(frame.Payload.Span[offset..]));
            }
        }
        while (frame.Type != FrameType.ListReply || (frame.Header.Flags & (byte)ListReplyFlags.More) != 0);
        return [.. ids];
    }

    public void Dispose() => Wire.Dispose();

    /// <exception cref="InvalidDataException">It is an ERROR or a GOODBYE.</exception>
    private static Frame Checked(in Frame frame) => frame.Type is FrameType.Error or FrameType.GoodbyeReply
        ? throw new InvalidDataException($"the hub says {frame.Type} {frame.Code.Name()}: {frame.Text}")
        : frame;
}
