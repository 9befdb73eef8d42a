using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Hub;
using MessageDelivery.Hub.Access;

namespace MessageDelivery.Cli.Verbs;

/// <summary>The options that say what a token lets its user do.</summary>
internal sealed class TokenRights
{
    private readonly Option<bool> _mayNotSend = new("--may-not-send") { Description = "It may not relay." };
    private readonly Option<bool> _mayNotList = new("--may-not-list") { Description = "It may not ask who is there, and not watch." };
    private readonly Option<bool> _mayNotWatch = new("--may-not-watch") { Description = "It may not watch who comes and goes." };
    private readonly Option<string?> _reach = new("--reach") { HelpName = "all|group|none", Description = "Whom it may send to, and whom it sees. Default: all." };
    private readonly Option<string?> _group = new("--group") { HelpName = "NAME", Description = "The group it belongs to. Default: none." };
    private readonly Option<string?> _relays = new("--relays-per-second") { HelpName = "N", Description = "Relays each second. Default: what the hub allows everybody." };
    private readonly Option<string?> _bytes = new("--bytes-per-second") { HelpName = "SIZE", Description = "Bytes of relays each second. Default: what the hub allows everybody." };
    private readonly Option<string?> _fullQueue = new("--full-queue") { HelpName = "wait|leave-out", Description = "Whether its relays wait for receivers whose queue is full, or leave them out. Default: the hub's rule." };
    private readonly Option<string?> _expires = new("--expires") { HelpName = "TIME", Description = "When it ends: a time from now such as 30d or 12h, or a date such as 2027-01-31." };

    public void AddTo(Command command)
    {
        foreach (var option in (Option[])[_expires, _mayNotSend, _mayNotList, _mayNotWatch, _reach, _group, _relays, _bytes, _fullQueue])
        {
            command.Add(option);
        }
    }

    /// <summary>A token of that name and hash, with these rights.</summary>
    public TokenEntry Read(ParseResult arguments, string name, string hash)
    {
        var reach = arguments.GetValue(_reach) switch
        {
            null or "all" => Reach.All,
            "group" => Reach.Group,
            "none" => Reach.None,
            var other => throw new CommandException(ExitCode.Usage, $"--reach is '{other}': it must be one of all, group, none"),
        };
        string? group = arguments.GetValue(_group);
        if (reach == Reach.Group && group is null)
        {
            throw new CommandException(ExitCode.Usage, "--reach is group: --group must say which");
        }

        var now = DateTimeOffset.UtcNow;
        return new()
        {
            Name = name,
            Hash = hash,
            Created = Seconds(now),
            Expires = arguments.GetValue(_expires) is { } expires ? Seconds(End(expires, now)) : null,
            Send = !arguments.GetValue(_mayNotSend),
            List = !arguments.GetValue(_mayNotList),
            Watch = !arguments.GetValue(_mayNotWatch),
            Reach = reach,
            Group = group,
            RelaysPerSecond = arguments.GetValue(_relays) is { } relays ? Number(relays) : null,
            BytesPerSecond = arguments.GetValue(_bytes) is { } bytes ? Size(bytes) : null,
            FullQueue = arguments.GetValue(_fullQueue) is { } rule ? Rule(rule) : null,
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
            claims.WriteString("mds_reach", token.Reach == Reach.Group ? "group" : "none");
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

    private static DateTimeOffset End(string text, DateTimeOffset now)
    {
        var end = Duration.TryParse(text, out var time) && time < TimeSpan.FromDays(36_500) ? now + time
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var date) ? date
            : throw new CommandException(ExitCode.Usage, $"--expires is '{text}': it must be a time from now such as 30d, or a date such as 2027-01-31");
        return end > now ? end : throw new CommandException(ExitCode.Usage, $"--expires is '{text}': that is over already");
    }

    private static FullQueue Rule(string text)
    {
        try
        {
            return HubSettings.FullQueueRule(text);
        }
        catch (SettingValueException exception)
        {
            throw new CommandException(ExitCode.Usage, $"--full-queue is '{text}': {exception.Message}");
        }
    }

    private static double Number(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) && number is > 0 and < 1e12
            ? number
            : throw new CommandException(ExitCode.Usage, $"--relays-per-second is '{text}': it must be a number above 0");

    private static double Size(string text) =>
        ByteSize.TryParse(text, out long bytes) && bytes > 0
            ? bytes
            : throw new CommandException(ExitCode.Usage, $"--bytes-per-second is '{text}': {ByteSize.Form}, and above 0");
}
