using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;
using MessageDelivery.Hub.Limits;

namespace MessageDelivery.Cli.Verbs;

/// <summary>The options that say what a token lets its user do.</summary>
internal sealed class TokenRights
{
    private readonly Option<bool> _mayNotSend = new("--may-not-send") { Description = "It may not relay." };
    private readonly Option<bool> _mayNotList = new("--may-not-list") { Description = "It may not ask who is there, and not watch." };
    private readonly Option<bool> _mayNotWatch = new("--may-not-watch") { Description = "It may not watch who comes and goes." };
    private readonly ValueOption<Reach> _reach = new(
        "--reach", "all|group|none", "Whom it may send to, and whom it sees. Default: all.", text => (Reach)HubSettings.OneOf(text, HubSettings.ReachNames));

    private readonly Option<string?> _group = new("--group") { HelpName = "NAME", Description = "The group it belongs to. Default: none." };
    private readonly ValueOption<double> _relays = new(
        "--relays-per-second", "N", "Relays each second. Default: what the hub allows everybody.", Number);

    private readonly ValueOption<long> _bytes = new(
        "--bytes-per-second", "SIZE", "Bytes of relays each second. Default: what the hub allows everybody.",
        text => HubSettings.Size(text, 1, HubLimits.MaxByteRate));

    private readonly ValueOption<FullQueue> _fullQueue = new(
        "--full-queue", "wait|leave-out", "Whether its relays wait for receivers whose queue is full, or leave them out. Default: the hub's rule.",
        HubSettings.FullQueueRule);

    private readonly ValueOption<DateTimeOffset> _expires = ExpiresOption();

    /// <summary>When a token ends.</summary>
    public static ValueOption<DateTimeOffset> ExpiresOption() =>
        new("--expires", "TIME", "When it ends: a time from now such as 30d or 12h, or a date such as 2027-01-31.", End);

    /// <summary>An administrator's token of that name and hash.</summary>
    public static TokenEntry Admin(string name, string hash, DateTimeOffset? expires) => new()
    {
        Name = name,
        Hash = hash,
        Created = Seconds(DateTimeOffset.UtcNow),
        Expires = expires is { } end ? Seconds(end) : null,
        IsAdmin = true,
    };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[
            _expires.Option, _mayNotSend, _mayNotList, _mayNotWatch, _reach.Option, _group, _relays.Option, _bytes.Option, _fullQueue.Option])
        {
            command.Add(option);
        }
    }

    /// <summary>A token of that name and hash, with these rights.</summary>
    public TokenEntry Read(ParseResult arguments, string name, string hash)
    {
        var reach = _reach.Read(arguments) ?? Reach.All;
        string? group = arguments.GetValue(_group);
        if (reach == Reach.Group && group is null)
        {
            throw new CommandException(ExitCode.Usage, "--reach is group: --group must say which");
        }

        return new()
        {
            Name = name,
            Hash = hash,
            Created = Seconds(DateTimeOffset.UtcNow),
            Expires = _expires.Read(arguments) is { } end ? Seconds(end) : null,
            Send = !arguments.GetValue(_mayNotSend),
            List = !arguments.GetValue(_mayNotList),
            Watch = !arguments.GetValue(_mayNotWatch),
            Reach = reach,
            Group = group,
            RelaysPerSecond = _relays.Read(arguments),
            BytesPerSecond = _bytes.Read(arguments),
            FullQueue = _fullQueue.Read(arguments),
        };
    }

    /// <summary>Writes what a token lets its user do as the claims of a JSON Web Token.</summary>
    public static void WriteClaims(Utf8JsonWriter claims, TokenEntry token)
    {
        WriteFalse(claims, "mds_send", token.Send);
        WriteFalse(claims, "mds_list", token.List);
        WriteFalse(claims, "mds_watch", token.Watch);
        if (token.Reach != Reach.All)
        {
            claims.WriteString("mds_reach", HubSettings.ReachNames[(int)token.Reach]);
        }

        if (token.Group is not null)
        {
            claims.WriteString("group", token.Group);
        }

        if (token.RelaysPerSecond is { } relays)
        {
            claims.WriteNumber("mds_relays_per_second", relays);
        }

        if (token.BytesPerSecond is { } bytes)
        {
            claims.WriteNumber("mds_bytes_per_second", bytes);
        }

        if (token.FullQueue is { } rule)
        {
            claims.WriteString("mds_full_queue", HubSettings.FullQueueNames[(int)rule]);
        }
    }

    /// <summary>What differs from a token that may do everything, in words.</summary>
    public static string Describe(TokenEntry token)
    {
        if (token.IsAdmin)
        {
            return "administers";
        }

        var words = new List<string>();
        AddIf(!token.Send, "may not send");
        AddIf(!token.List, "may not list");
        AddIf(!token.Watch, "may not watch");
        AddIf(token.Reach != Reach.All, token.Reach == Reach.Group ? "reaches its group" : "reaches nobody");
        AddIf(token.Group is not null, $"group {token.Group}");
        AddIf(token.RelaysPerSecond is not null, $"{token.RelaysPerSecond} relays/s");
        AddIf(token.BytesPerSecond is not null, $"{token.BytesPerSecond} bytes/s");
        AddIf(token.FullQueue is not null, token.FullQueue == FullQueue.LeaveOut ? "leaves out full receivers" : "waits for full receivers");
        return words.Count == 0 ? "may do everything" : string.Join(", ", words);

        void AddIf(bool holds, string word)
        {
            if (holds)
            {
                words.Add(word);
            }
        }
    }

    private static void WriteFalse(Utf8JsonWriter claims, string name, bool value)
    {
        if (!value)
        {
            claims.WriteBoolean(name, value);
        }
    }

    private static DateTimeOffset Seconds(DateTimeOffset time) => DateTimeOffset.FromUnixTimeSeconds(time.ToUnixTimeSeconds());

    private static DateTimeOffset End(string text)
    {
        var now = DateTimeOffset.UtcNow;
        var end = Duration.TryParse(text, out var time) && time < TimeSpan.FromDays(36_500) ? now + time
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? date
            : throw new SettingValueException("it must be a time from now such as 30d, or a date such as 2027-01-31");
        return end > now ? end : throw new SettingValueException("that is over already");
    }

    private static double Number(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) && number is > 0 and < 1e12
            ? number
            : throw new SettingValueException("it must be a number above 0");
}
