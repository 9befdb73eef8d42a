using System.CommandLine;
using System.Text.Json;
using MessageDelivery.Cli.Attacks;
using MessageDelivery.Cli.Settings;
using MessageDelivery.Cli.Terminal;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Verbs;

/// <summary><c>mds attack</c>: does to a hub of one's own what somebody hostile would, and tells how it took that.</summary>
internal static class AttackCommand
{
    private const int MaxConnections = 10_000;
    private const int DefaultConnections = 48;
    private static readonly TimeSpan DefaultTime = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan DefaultBefore = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan DefaultLongestGap = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxTime = TimeSpan.FromHours(1);

    public static Command Create()
    {
        var only = new Option<string[]>("--only")
        {
            HelpName = "NAME",
            AllowMultipleArgumentsPerToken = true,
            Description = $"Make these attacks only: {string.Join(", ", Attack.All.Select(attack => attack.Name))}.",
        };
        only.CompletionSources.Add([.. Attack.All.Select(attack => attack.Name)]);
        var seconds = new ValueOption<long>(
            "--seconds", "N",
            $"How long each attack goes on that has no end of its own. Default: {DefaultTime.TotalSeconds}; with less than 12 it is not seen whether the hub ends half handshakes.",
            text => HubSettings.Number(text, 1, (long)MaxTime.TotalSeconds));
        var connections = new ValueOption<long>(
            "--connections", "N", $"Hostile connections at one time, 1 to {MaxConnections}. Default: {DefaultConnections}.",
            text => HubSettings.Number(text, 1, MaxConnections));
        var gap = new ValueOption<TimeSpan>(
            "--longest-gap", "TIME",
            $"The longest time without a message of the healthy pair that is not suspect. Default: {Duration.Format(DefaultLongestGap)}.",
            text => HubSettings.Time(text, TimeSpan.FromMilliseconds(1), MaxTime));
        var process = new ValueOption<long>(
            "--pid", "N", "The hub's process on this machine, for its memory and CPU. Default: the one that listens on the port, if it can be found.",
            text => HubSettings.Number(text, 1, int.MaxValue));
        var yes = new Option<bool>("--yes") { Description = "The hub is mine: do not ask, although its address is not loopback." };
        var json = new Option<bool>("--json") { Description = "Print the result as one JSON object." };
        var command = new Command("attack", "Attack a hub of your own: hostile input of all kinds, and what healthy users feel of it.")
        {
            only, seconds.Option, connections.Option, gap.Option, process.Option, yes, json,
        };
        var access = new HubOptions();
        var hub = access.AddWithArgumentTo(command, "The hub to attack; it has to be yours.");
        CommandHelp.Add(
            command,
            """
            Beside each attack a healthy pair of users, through the client library, sends a message every 5 ms. An attack is suspect if the
            hub does what it must not, loses a message, disconnects or stops the healthy pair, or takes more memory than the attack should
            cost. Attackers and the healthy pair have the same address and token: limits for each hit both. Exit code 1 if anything is suspect.
            """,
            "mds attack 127.0.0.1:8888",
            "mds attack localhost:8888 --only http smuggled-commands",
            "mds attack hub.example.org:8888 --yes --seconds 30 --connections 200 --json");
        command.SetAction((arguments, _) =>
        {
            var time = seconds.Read(arguments) is { } longer ? TimeSpan.FromSeconds(longer) : DefaultTime;
            var plan = new AttackPlan(
                Chosen(arguments.GetValue(only) ?? []),
                time,
                time < DefaultBefore ? time : DefaultBefore,
                (int)(connections.Read(arguments) ?? DefaultConnections),
                gap.Read(arguments) ?? DefaultLongestGap,
                (int?)process.Read(arguments));
            return HubAccess.RunAsync(
                access.Read(arguments, arguments.GetValue(hub)),
                (options, cancellationToken) => RunAsync(options, plan, arguments.GetValue(yes), arguments.GetValue(json), cancellationToken));
        });
        return command;
    }

    private static async Task<ExitCode> RunAsync(
        HubClientOptions options, AttackPlan plan, bool isSure, bool isJson, CancellationToken cancellationToken)
    {
        if (options.TokenProvider is { } provider)
        {
            // Attackers show it, too, in forms of their own.
            options = options with { Token = await provider(cancellationToken), TokenProvider = null };
        }

        var target = await AttackTarget.ResolveAsync(options, cancellationToken);
        if (!target.IsLoopback && !isSure)
        {
            Confirm(options);
        }

        await using var run = new AttackRun(target, plan, name => Console.Error.WriteLine($"mds: attacking: {name}"));
        var report = await run.RunAsync(cancellationToken);
        if (isJson)
        {
            using var output = Console.OpenStandardOutput();
            output.Write([.. JsonSerializer.SerializeToUtf8Bytes(report, AttackJson.Default.AttackReport), .. "\n"u8]);
        }
        else
        {
            AttackText.Write(report, Console.Out);
        }

        return report.Attacks.Any(attack => attack.Verdict == Verdict.Suspect) ? ExitCode.NotDelivered : ExitCode.Ok;
    }

    /// <summary>Asks whether the hub is one's own; anything but a yes ends the command.</summary>
    private static void Confirm(HubClientOptions options)
    {
        string name = $"{options.Host}:{options.Port}";
        Console.Error.Write($"mds: {name} is not this machine. Attack only a hub that is yours. Type 'yes' to go on: ");
        if (Console.In.ReadLine()?.Trim() != "yes")
        {
            throw new CommandException(ExitCode.Usage, $"{name} is not this machine, and nobody said that it is yours; --yes does");
        }
    }

    private static IReadOnlyList<Attack> Chosen(string[] names)
    {
        string[] chosen = [.. names.SelectMany(name => name.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
        if (chosen.FirstOrDefault(name => Attack.All.All(attack => attack.Name != name)) is { } unknown)
        {
            throw new CommandException(
                ExitCode.Usage, $"--only: there is no attack '{unknown}'; there are {string.Join(", ", Attack.All.Select(attack => attack.Name))}");
        }

        return chosen.Length == 0 ? Attack.All : [.. Attack.All.Where(attack => chosen.Contains(attack.Name))];
    }
}
