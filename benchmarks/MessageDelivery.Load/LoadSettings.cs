using MessageDelivery.Load.Protocols;
using MessageDelivery.Protocol;

namespace MessageDelivery.Load;

/// <summary>Who sends to whom.</summary>
internal enum Mode
{
    /// <summary>Each sender to a receiver of its own.</summary>
    Pairs,

    /// <summary>One sender, every message to all receivers.</summary>
    FanOut,

    /// <summary>All senders to one receiver.</summary>
    FanIn,

    /// <summary>Users who send and receive, each message to another one.</summary>
    Mesh,

    /// <summary>One sender, each message to the next receiver.</summary>
    Spread,
}

/// <summary>How a broker's sender reaches many receivers.</summary>
internal enum Addressing
{
    /// <summary>By one publish that all subscribe to.</summary>
    Shared,

    /// <summary>By a publish for each.</summary>
    Listed,
}

/// <summary>What a run can be told. Times are seconds.</summary>
/// <param name="Window">Messages that a sender may be ahead of its receivers.</param>
/// <param name="SharedWindow">Whether there is one window for all senders together, as many times as large.</param>
/// <param name="Rate">Messages a second over all senders, due at even distances; null sends as the window allows.</param>
/// <param name="Stopped">Pairs beside whose receivers never read.</param>
/// <param name="WebSocket">Whether it goes over WebSocket.</param>
/// <param name="MessagesPerFrame">How many messages each frame of WebSocket has.</param>
internal sealed record LoadSettings(
    string Protocol, int ProcessId, Mode Mode, int Count, int BodyBytes, int Window, bool SharedWindow, double? Rate,
    Addressing Addressing, double Seconds, double WarmUpSeconds, int Stopped, bool WebSocket,
    int MessagesPerFrame)
{
    /// <summary>Bytes of a body that say who sent it, for modes in which a receiver has several senders.</summary>
    public const int NumberBytes = sizeof(uint);

    /// <summary>Bytes of a body that say when it was due.</summary>
    public const int DueTimeBytes = sizeof(long);

    /// <summary>The most bytes of a body; servers have limits of their own.</summary>
    public const int MaxBodyBytes = 64 << 20;

    /// <summary>Receivers send nothing while they are measured, and a hub cuts off whoever is silent for a minute.</summary>
    public const double MaxSeconds = 50;

    /// <summary>Whether a receiver must look into each body to know whose window it opens.</summary>
    public bool NumbersSenders => Rate is null && !SharedWindow && Mode is Mode.FanIn or Mode.Mesh;

    /// <summary>Whether the time that each delivery took is recorded.</summary>
    public bool IsTimed => Rate is not null || (Window == 1 && !SharedWindow);

    /// <summary>What is impossible about it, with the value and the limit; null if nothing is.</summary>
    public string? Fault()
    {
        int minBodyBytes = Rate is not null ? DueTimeBytes : NumbersSenders ? NumberBytes : 1;
        return this switch
        {
            { Count: < 1 } => $"--count {Count}: at least 1",
            { Mode: Mode.Mesh, Count: < 2 } => $"--count {Count}: at least 2 users for --mode mesh",
            { SharedWindow: true, Rate: not null } => $"--rate {Rate}: not with --shared-window, which decides who sends",
            { SharedWindow: true, Mode: not (Mode.Pairs or Mode.Mesh) } => "--shared-window: only with --mode pairs or mesh",
            { Mode: Mode.Mesh, Protocol: WireProtocol.MdsResumable } =>
                "--mode mesh: not with --protocol mds-resumable, whose receivers acknowledge where they would send",
            { Mode: Mode.FanOut, Protocol: WireProtocol.Mds or WireProtocol.MdsResumable, Count: > ProtocolLimits.MaxReceivers } =>
                $"--count {Count}: a relay lists at most {ProtocolLimits.MaxReceivers} receivers",
            { Rate: not null } when BodyBytes < minBodyBytes =>
                $"--size {BodyBytes}: at least {minBodyBytes} with --rate, for the time at which a message was due",
            _ when BodyBytes < minBodyBytes =>
                $"--size {BodyBytes}: at least {minBodyBytes}{(NumbersSenders ? " in this mode, for the number of the sender" : "")}",
            { BodyBytes: > MaxBodyBytes } => $"--size {BodyBytes}: at most {MaxBodyBytes}",
            { Window: < 1 } => $"--window {Window}: at least 1",
            { Rate: <= 0 or > 1e9 or double.NaN } => $"--rate {Rate}: more than 0, at most 1000000000",
            { MessagesPerFrame: < 1 } => $"--messages-per-frame {MessagesPerFrame}: at least 1",
            { MessagesPerFrame: > 1, WebSocket: false } => $"--messages-per-frame {MessagesPerFrame}: only with --websocket",
            { MessagesPerFrame: > 1, Protocol: WireProtocol.Relay or WireProtocol.SocketIo } =>
                $"--messages-per-frame {MessagesPerFrame}: 1 with --protocol {Protocol}, where a frame is a message",
            { MessagesPerFrame: > 1, Mode: Mode.Mesh or Mode.Spread } =>
                $"--messages-per-frame {MessagesPerFrame}: 1 where the messages of a sender go to many",
            { SharedWindow: true, MessagesPerFrame: > 1 } => $"--messages-per-frame {MessagesPerFrame}: 1 with --shared-window",
            { Rate: null } when MessagesPerFrame > Window =>
                $"--messages-per-frame {MessagesPerFrame}: at most --window {Window}, since they are sent together",
            { Mode: Mode.FanOut, Addressing: Addressing.Listed, WebSocket: true, Protocol: not (WireProtocol.Mds or WireProtocol.MdsResumable) } =>
                "--addressing listed: not over WebSocket",
            { Protocol: WireProtocol.SocketIo } when Rate is not null || NumbersSenders =>
                "--protocol socket.io: bodies are text and can carry no time or number, so no --rate, --mode fan-in or mesh",
            { Stopped: < 0 } => $"--stopped {Stopped}: at least 0",
            { Seconds: not > 0 } => $"--seconds {Seconds}: more than 0",
            { WarmUpSeconds: not >= 0 } => $"--warm-up {WarmUpSeconds}: at least 0",
            _ when Seconds + WarmUpSeconds > MaxSeconds =>
                $"--seconds {Seconds} and --warm-up {WarmUpSeconds}: together at most {MaxSeconds}, since servers cut off who is silent for long",
            _ => null,
        };
    }
}
