using System.Globalization;
using System.Net;
using System.Text;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;

namespace MessageDelivery.Scenarios.Clients;

/// <summary>One of two users who send each other numbered messages, one at a time.</summary>
internal interface IPairEnd : IDisposable
{
    ulong UserId { get; }

    void Send(ulong to, long number);

    /// <summary>Waits for the next message; its number.</summary>
    long Receive();
}

internal sealed class BinaryPairEnd(IPEndPoint hub) : IPairEnd
{
    private const int BodyBytes = 100;

    private readonly BinaryPeer _peer = BinaryPeer.Connect(hub, 64 << 10);
    private readonly byte[] _frame = new byte[RelayFrame.Bytes(RelayFlags.None, BodyBytes)];

    public ulong UserId => _peer.UserId;

    public void Send(ulong to, long number)
    {
        RelayFrame.Write(_frame, RelayFlags.None, 0, to, UserId, number);
        _peer.Wire.Send(_frame);
    }

    public long Receive()
    {
        var frame = _peer.Receive();
        return frame.Type == FrameType.Delivery
            ? RelayFrame.Read(frame.Payload.Span).Number
            : throw new InvalidDataException($"a {frame.Type} came instead of a delivery");
    }

    public void Dispose() => _peer.Dispose();
}

internal sealed class TextPairEnd : IPairEnd
{
    private readonly WireConnection _wire;

    public TextPairEnd(IPEndPoint hub)
    {
        _wire = WireConnection.Connect(hub, TimeSpan.FromMinutes(1));
        _wire.Send("identity\n"u8);
        var line = _wire.ReceiveLine().Span;
        UserId = ServerText.IdIn(line) ?? throw new InvalidDataException($"the hub says '{Encoding.UTF8.GetString(line)}'");
    }

    public ulong UserId { get; }

    public void Send(ulong to, long number) => _wire.Send(Encoding.UTF8.GetBytes($"relay {to} {number}\n"));

    public long Receive()
    {
        string line = Encoding.UTF8.GetString(_wire.ReceiveLine().Span);
        return long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new InvalidDataException($"'{line}' came instead of a number");
    }

    public void Dispose() => _wire.Dispose();
}
