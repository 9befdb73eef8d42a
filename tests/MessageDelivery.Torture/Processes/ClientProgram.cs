using System.Diagnostics;
using System.Globalization;
using System.Net;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Clients;
using MessageDelivery.Torture.Faults;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Processes;

/// <summary>
/// A client in a process of its own, which can be stopped and killed. Standard input tells it who is there, what the checker
/// knows, and when to end.
/// </summary>
internal static class ClientProgram
{
    /// <summary>Sends nothing new from now on.</summary>
    public const string StopSending = "stop";

    /// <summary>Says goodbye and ends.</summary>
    public const string Leave = "leave";

    /// <summary>There are no faults any more.</summary>
    public const string NoFaults = "calm";

    public static async Task<int> RunAsync(ClientArguments arguments)
    {
        var history = new PipedHistory(new StreamWriter(Console.OpenStandardOutput(), bufferSize: 16 << 10));
        var directory = new UserDirectory();
        var faults = new FaultCounts(areOn: arguments.HasFaults);
        var client = new BinaryClient(
            new(
                arguments.Number,
                IPEndPoint.Parse(arguments.Endpoint),
                history,
                faults,
                new(arguments.Seed, directory) { HasConfirm = arguments.HasConfirm },
                arguments.Run,
                arguments.Seed,
                arguments.Rate),
            ClientKind.Raw);
        var listening = Task.Run(() => Listen(client, history, directory, faults));
        await client.RunAsync();
        await history.SettleAsync();
        // Listening ends with the pipe, at the latest when this process does.
        _ = listening;
        return 0;
    }

    private static void Listen(BinaryClient client, PipedHistory history, UserDirectory directory, FaultCounts faults)
    {
        while (Console.In.ReadLine() is { } line)
        {
            string[] fields = line.Split(' ');
            switch (fields[0])
            {
                case "!":
                    history.Settled(long.Parse(fields[1], CultureInfo.InvariantCulture));
                    break;
                case "users":
                    directory.Replace(Users(fields[1]), Array.ConvertAll(Split(fields[2]), Id));
                    break;
                case NoFaults:
                    faults.TurnOff();
                    break;
                case StopSending:
                    client.StopSending();
                    break;
                default:
                    client.Leave();
                    break;
            }
        }

        // Whoever started this is gone: nobody is left to tell.
        Environment.Exit(3);
    }

    /// <summary>Who is there, as a line for <see cref="Listen"/>.</summary>
    public static string Users(UserDirectory directory) =>
        $"users {string.Join(',', directory.Users.Select(user => user.IsText ? $"t{user.Id}" : $"{user.Id}"))} {string.Join(',', directory.Gone)}";

    private static KnownUser[] Users(string list) =>
        Array.ConvertAll(Split(list), text => new KnownUser(Id(text.TrimStart('t')), text.StartsWith('t')));

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries);

    private static ulong Id(string text) => ulong.Parse(text, CultureInfo.InvariantCulture);
}

/// <summary>What a client process is started with.</summary>
internal sealed record ClientArguments(
    int Number, string Endpoint, uint Run, int Seed, double Rate, bool HasConfirm, bool HasFaults)
{
    /// <summary>A process of this program.</summary>
    public ProcessStartInfo ToCommand() => new(Environment.ProcessPath!, ToCommandLine());

    /// <summary>The arguments of any client's program.</summary>
    public string[] ToCommandLine() =>
    [
        "client", "--number", $"{Number}", "--endpoint", Endpoint, "--run", $"{Run}", "--seed", $"{Seed}",
        "--rate", Rate.ToString(CultureInfo.InvariantCulture), "--confirm", $"{HasConfirm}", "--faults", $"{HasFaults}",
    ];
}
