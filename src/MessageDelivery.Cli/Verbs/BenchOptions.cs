using System.CommandLine;
using System.Globalization;
using MessageDelivery.Cli.Bench;
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

    // By default a sender has no more than this under way, so that large messages measure the hub and not its queues.
    private const int DefaultWindowBytes = 4 << 20;

    private static readonly TimeSpan DefaultDuration = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan DefaultWarmUp = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DefaultDrain = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MaxTime = TimeSpan.FromDays(1);

    private readonly BenchShape _shape;
    private readonly Option<string?> _users;
    private readonly Option<string?> _receivers = new("--receivers")
    {
        HelpName = "N",
        Description = $"Users who receive each relay, 1 to {ProtocolLimits.MaxReceivers}. Default: {DefaultReceivers}.",
    };

    private readonly Option<string?> _size = new("--size")
    {
        HelpName = "SIZE",
        Description = $"Bytes of each body, {MessageStamp.Bytes} to {ProtocolLimits.MaxBodyBytes}. Default: {DefaultSize}.",
    };

    private readonly Option<string?> _rate = new("--rate")
    {
        HelpName = "N",
        Description = "Relays a second of all senders together, each due at its time (open loop). Default, and 0: as fast as the hub lets them.",
    };

    private readonly Option<string?> _window = new("--window")
    {
        HelpName = "N",
        Description = $"Relays of each sender under way at most, without --rate. Default: {DefaultWindow}, or as many as make {ByteSize.Format(DefaultWindowBytes)}.",
    };

    private readonly Option<string?> _duration = new("--duration")
    {
        HelpName = "TIME",
        Description = $"How long to measure. Default: {Duration.Format(DefaultDuration)}.",
    };

    private readonly Option<string?> _count = new("--count")
    {
        HelpName = "N",
        Description = "Measure so many relays, of all senders together, instead of a time.",
    };

    private readonly Option<string?> _warmUp = new("--warm-up")
    {
        HelpName = "TIME",
        Description = $"Relay for so long before measuring. Default: {Duration.Format(DefaultWarmUp)}.",
    };

    private readonly Option<string?> _drain = new("--drain")
    {
        HelpName = "TIME",
        Description = $"Give up on messages when none has come for so long. Default: {Duration.Format(DefaultDrain)}.",
    };

    private readonly Option<bool> _noVerify = new("--no-verify") { Description = "Do not check count, order and content of what arrives." };

    public BenchOptions(BenchShape shape)
    {
        _shape = shape;
        _users = new("--users")
        {
            HelpName = "N",
            Description = $"{UsersMeaning}, {MinUsers} to {MaxUsersHere}. Default: {DefaultUsers}.",
        };
        All = [_users, .. HasReceivers ? [_receivers] : (Option[])[], _size, _rate, .. HasWindow ? [_window] : (Option[])[],
            _duration, _count, _warmUp, _drain, _noVerify];
    }

    /// <summary>In the order in which help shows them.</summary>
    public IReadOnlyList<Option> All { get; }

    private const int DefaultReceivers = 16;
    private const int DefaultSize = 128;

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
        int size = Size(arguments.GetValue(_size));
        long rate = Number(arguments, _rate, 0, MaxRate) ?? 0;
        long? window = HasWindow ? Number(arguments, _window, 1, MaxWindow) : null;
        var duration = Time(arguments, _duration, TimeSpan.FromMilliseconds(1));
        long? count = Number(arguments, _count, 1, MaxCount);
        Exclude(_rate, rate > 0, _window, window is not null);
        Exclude(_duration, duration is not null, _count, count is not null);
        return new()
        {
            Shape = _shape,
            Users = (int)(Number(arguments, _users, MinUsers, MaxUsersHere) ?? DefaultUsers),
            Receivers = HasReceivers ? (int)(Number(arguments, _receivers, 1, ProtocolLimits.MaxReceivers) ?? DefaultReceivers) : 1,
            SizeBytes = size,
            Rate = rate > 0 ? (int)rate : null,
            Window = rate > 0 ? null : HasWindow ? (int)(window ?? Math.Clamp(DefaultWindowBytes / size, 1, DefaultWindow)) : 1,
            Duration = count is null ? duration ?? DefaultDuration : null,
            Count = count,
            WarmUp = Time(arguments, _warmUp, TimeSpan.Zero) ?? DefaultWarmUp,
            Drain = Time(arguments, _drain, TimeSpan.FromMilliseconds(1)) ?? DefaultDrain,
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

    private int Size(string? text)
    {
        if (text is null)
        {
            return DefaultSize;
        }

        if (!ByteSize.TryParse(text, out long bytes))
        {
            throw Wrong(_size, text, ByteSize.Form);
        }

        return bytes is >= MessageStamp.Bytes and <= ProtocolLimits.MaxBodyBytes
            ? (int)bytes
            : throw Wrong(_size, text, $"it must be from {MessageStamp.Bytes} bytes, which number and date each message, to {ProtocolLimits.MaxBodyBytes}");
    }

    private static long? Number(ParseResult arguments, Option<string?> option, long least, long most) =>
        arguments.GetValue(option) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most ? number
        : throw Wrong(option, text, $"it must be a whole number from {least} to {most}");

    private static TimeSpan? Time(ParseResult arguments, Option<string?> option, TimeSpan least)
    {
        if (arguments.GetValue(option) is not { } text)
        {
            return null;
        }

        if (!Duration.TryParse(text, out var time))
        {
            throw Wrong(option, text, Duration.Form);
        }

        return time >= least && time <= MaxTime
            ? time
            : throw Wrong(option, text, $"it must be from {Duration.Format(least)} to {Duration.Format(MaxTime)}");
    }

    private static CommandException Wrong(Option option, string text, string limit) => new(ExitCode.Usage, $"{option.Name} is '{text}': {limit}");
}
