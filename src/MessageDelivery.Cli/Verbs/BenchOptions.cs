using System.CommandLine;
using MessageDelivery.Cli.Bench;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Protocol;

namespace MessageDelivery.Cli.Verbs;

/// <summary>The options that make a plan, for one shape: only those that mean something there.</summary>
internal sealed class BenchOptions
{
    private const int MaxUsers = 50_000;

    // Each of them numbers its messages to each other one: a million numbers on either side.
    private const int MaxMeshUsers = 1_000;
    private const int MaxRate = 100_000_000;
    private const int MaxWindow = 1_000_000;
    private const long MaxCount = 1_000_000_000_000;
    private const int DefaultWindow = 256;
    private const int DefaultReceivers = 16;
    private const int DefaultSize = 128;

    // By default a sender has no more than this under way, so that large messages measure the hub and not its queues.
    private const int DefaultWindowBytes = 4 << 20;

    private static readonly TimeSpan DefaultDuration = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DefaultWarmUp = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DefaultDrain = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MinTime = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan MaxTime = TimeSpan.FromDays(1);

    private readonly BenchShape _shape;
    private readonly ValueOption<long> _users;
    private readonly ValueOption<long> _receivers = new(
        "--receivers", "N", $"Users who receive each relay, 1 to {ProtocolLimits.MaxReceivers}. Default: {DefaultReceivers}.",
        text => HubSettings.Number(text, 1, ProtocolLimits.MaxReceivers));

    private readonly ValueOption<long> _size = new(
        "--size", "SIZE", $"Bytes of each body, {MessageStamp.Bytes} to {ProtocolLimits.MaxBodyBytes}. Default: {DefaultSize}.", Size);

    private readonly ValueOption<long> _rate = new(
        "--rate", "N", "Relays a second of all senders together, each due at its time (open loop). Default, and 0: as fast as the hub lets them.",
        text => HubSettings.Number(text, 0, MaxRate));

    private readonly ValueOption<long> _window = new(
        "--window", "N", $"Relays of each sender under way at most, without --rate. Default: {DefaultWindow}, or as many as make {ByteSize.Format(DefaultWindowBytes)}.",
        text => HubSettings.Number(text, 1, MaxWindow));

    private readonly ValueOption<TimeSpan> _duration = new(
        "--duration", "TIME", $"How long to measure. Default: {Duration.Format(DefaultDuration)}.", text => HubSettings.Time(text, MinTime, MaxTime));

    private readonly ValueOption<long> _count = new(
        "--count", "N", "Measure so many relays, of all senders together, instead of a time.", text => HubSettings.Number(text, 1, MaxCount));

    private readonly ValueOption<TimeSpan> _warmUp = new(
        "--warm-up", "TIME", $"Relay for so long before measuring. Default: {Duration.Format(DefaultWarmUp)}.",
        text => HubSettings.Time(text, TimeSpan.Zero, MaxTime));

    private readonly ValueOption<TimeSpan> _drain = new(
        "--drain", "TIME", $"Give up on messages when none has come for so long. Default: {Duration.Format(DefaultDrain)}.",
        text => HubSettings.Time(text, MinTime, MaxTime));

    private readonly Option<bool> _noVerify = new("--no-verify") { Description = "Do not check count, order and content of what arrives." };

    public BenchOptions(BenchShape shape)
    {
        _shape = shape;
        _users = new(
            "--users", "N", $"{UsersMeaning}, {MinUsers} to {MaxUsersHere}. Default: {DefaultUsers}.", text => HubSettings.Number(text, MinUsers, MaxUsersHere));
        All = [_users.Option, .. HasReceivers ? [_receivers.Option] : (Option[])[], _size.Option, _rate.Option, .. HasWindow ? [_window.Option] : (Option[])[],
            _duration.Option, _count.Option, _warmUp.Option, _drain.Option, _noVerify];
    }

    /// <summary>In the order in which help shows them.</summary>
    public IReadOnlyList<Option> All { get; }

    private bool HasReceivers => _shape == BenchShape.FanOut;

    private bool HasWindow => _shape != BenchShape.Rtt;

    private int MinUsers => _shape == BenchShape.Mesh ? 2 : 1;

    private int MaxUsersHere => _shape == BenchShape.Mesh ? MaxMeshUsers : MaxUsers;

    private int DefaultUsers => _shape is BenchShape.FanOut or BenchShape.Rtt ? 1 : 16;

    private string UsersMeaning => _shape switch
    {
        BenchShape.Pairs => "Pairs of users",
        BenchShape.Mesh or BenchShape.Rtt => "Users who send and receive",
        _ => "Users who send",
    };

    /// <exception cref="CommandException">A value is impossible; the message names it and its limit.</exception>
    public BenchPlan Read(ParseResult arguments)
    {
        int size = (int)(_size.Read(arguments) ?? DefaultSize);
        long rate = _rate.Read(arguments) ?? 0;
        long? window = HasWindow ? _window.Read(arguments) : null;
        var duration = _duration.Read(arguments);
        long? count = _count.Read(arguments);
        Exclude(_rate.Option, rate > 0, _window.Option, window is not null);
        Exclude(_duration.Option, duration is not null, _count.Option, count is not null);
        return new()
        {
            Shape = _shape,
            Users = (int)(_users.Read(arguments) ?? DefaultUsers),
            Receivers = HasReceivers ? (int)(_receivers.Read(arguments) ?? DefaultReceivers) : 1,
            SizeBytes = size,
            Rate = rate > 0 ? (int)rate : null,
            Window = rate > 0 ? null : HasWindow ? (int)(window ?? Math.Clamp(DefaultWindowBytes / size, 1, DefaultWindow)) : 1,
            Duration = count is null ? duration ?? DefaultDuration : null,
            Count = count,
            WarmUp = _warmUp.Read(arguments) ?? DefaultWarmUp,
            Drain = _drain.Read(arguments) ?? DefaultDrain,
            Verifies = !arguments.GetValue(_noVerify),
        };
    }

    private static void Exclude(Option first, bool hasFirst, Option second, bool hasSecond)
    {
        if (hasFirst && hasSecond)
        {
            throw new CommandException(ExitCode.Usage, $"{first.Name} and {second.Name} exclude each other");
        }
    }

    private static long Size(string text) =>
        !ByteSize.TryParse(text, out long bytes) ? throw new SettingValueException(ByteSize.Form)
        : bytes is >= MessageStamp.Bytes and <= ProtocolLimits.MaxBodyBytes ? bytes
        : throw new SettingValueException($"it must be from {MessageStamp.Bytes} bytes, which number and date each message, to {ProtocolLimits.MaxBodyBytes}");
}
