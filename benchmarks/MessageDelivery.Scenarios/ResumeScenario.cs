using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using MessageDelivery.Protocol;
using MessageDelivery.RawClient;
using MessageDelivery.Scenarios.Clients;
using MessageDelivery.Scenarios.Measuring;

namespace MessageDelivery.Scenarios;

/// <summary>What <c>resume</c> can be told.</summary>
internal sealed record ResumeSettings(
    int Sessions, int AtOnce, int Senders, int Size, int Rounds, long PauseMilliseconds, string Cut, string Tls, bool WebSocket)
{
    public override string ToString() =>
        $"--sessions {Sessions} --at-once {AtOnce} --senders {Senders} --size {Size} --rounds {Rounds} "
        + $"--pause-milliseconds {PauseMilliseconds} --cut {Cut} --tls {Tls}{(WebSocket ? " --websocket" : "")}";
}

/// <summary>All connections are lost at once, senders go on, and everybody comes back: nothing may be lost, repeated or out of order.</summary>
internal sealed class ResumeScenario(ResumeSettings settings)
{
    private const int ConnectingAtOnce = 64;
    private const int MaxCuts = 5;

    /// <summary>The senders' address: theirs are the connections that stay.</summary>
    private static readonly IPAddress SendersAddress = new([127, 0, 0, 2]);

    /// <summary>Within this something must move, or it never comes.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Report _report = new("resume", settings.ToString());

    public static Command Command()
    {
        var sessions = Quantity.Option("--sessions", "10000", "Users whose connections are cut.");
        var atOnce = Quantity.Option("--at-once", "256", "How many of them connect at one time when they come back.");
        var senders = Quantity.Option("--senders", "4", "Users who send to all of them, and stay.");
        var size = Quantity.Option("--size", "100", "Bytes of a body.");
        var rounds = Quantity.Option("--rounds", "2", "Messages of each sender to each user before the cut, and again before they come back.");
        var pause = Quantity.Option("--pause-milliseconds", "1000", "Of a sender, between two rounds.");
        var cut = new Option<string>("--cut")
        {
            Description = "hub: the kernel destroys the hub's sockets (ss --kill, as root), or else as clients. clients: they reset their connections. Default: hub.",
            DefaultValueFactory = _ => "hub",
        };
        cut.AcceptOnlyFromAmong("hub", "clients");
        var tls = new Option<string>("--tls")
        {
            Description = "off; full: with a signature of ECDSA P-256 for each connection; resumed: those who come back go on with their sessions of TLS. Default: off.",
            DefaultValueFactory = _ => "off",
        };
        tls.AcceptOnlyFromAmong("off", "full", "resumed");
        var webSocket = new Option<bool>("--websocket") { Description = "The users come over WebSocket." };
        var command = new Command("resume", "All connections are lost at once, and everybody comes back.")
        {
            sessions, atOnce, senders, size, rounds, pause, cut, tls, webSocket,
        };
        command.SetAction((arguments, _) => new ResumeScenario(new(
            (int)arguments.GetValue(sessions),
            (int)arguments.GetValue(atOnce),
            (int)arguments.GetValue(senders),
            Math.Clamp((int)arguments.GetValue(size), RelayFrame.MinBodyBytes, 1 << 10),
            (int)arguments.GetValue(rounds),
            arguments.GetValue(pause),
            arguments.GetValue(cut)!,
            arguments.GetValue(tls)!,
            arguments.GetValue(webSocket))).RunAsync());
        return command;
    }

    private async Task<int> RunAsync()
    {
        var directory = Directory.CreateTempSubdirectory("mds-resume");
        using var hub = await HubProcess.StartAsync(settings.Tls == "off" ? [] : ["--tls-cert", await Certificates.WriteAsync(directory)]);
        var senders = new List<RoundSender>();
        for (int i = 0; i < settings.Senders; i++)
        {
            var peer = await BinaryPeer.ConnectAsync(hub.Endpoint, 4 << 10, from: SendersAddress);
            senders.Add(new(peer, settings.Size, TimeSpan.FromMilliseconds(settings.PauseMilliseconds)));
        }

        ulong[] senderIds = [.. senders.Select(sender => sender.UserId)];
        ResumableUser[] users =
        [
            .. Enumerable.Range(0, settings.Sessions)
                .Select(_ => new ResumableUser(hub.Endpoint, senderIds, settings.Size, Secured(), settings.WebSocket)),
        ];
        using var memory = new MemoryWatch(hub.Id);
        Report.Progress($"{users.Length} users connect");
        await ConnectAsync(users, ConnectingAtOnce);
        _report.Row("memory with all connected", Quantity.Mebibytes(MemoryWatch.ResidentBytes(hub.Id)));
        Task sending = Task.WhenAll(senders.Select(sender => sender.RunAsync([.. users.Select(user => user.UserId)])));
        string? wrong = await PlayAsync(hub, users, senders, sending);
        senders.ForEach(sender => sender.Stop());
        wrong ??= await WaitAsync("all senders have their last receipts", () => sending.IsCompleted, senders, users);
        wrong ??= sending.Exception?.GetBaseException().Message;
        wrong ??= await WaitAsync("all messages have come", () => users.All(user => user.Received >= Sent(senders)), senders, users);
        memory.Stop();
        _report.Row("hub's memory: peak", Quantity.Mebibytes(memory.PeakBytes));
        _report.Row("hub's processor time, whole run", Quantity.Seconds(hub.ProcessorTime));
        Checks(users, senders, wrong);
        Array.ForEach(users, user => user.Dispose());
        senders.ForEach(sender => sender.Dispose());
        int? exitCode = await hub.StopAsync();
        directory.Delete(recursive: true);
        _report.Check(exitCode == 0, $"the hub stopped with exit code {exitCode?.ToString(CultureInfo.InvariantCulture) ?? "none"}");
        int result = _report.Print();
        if (result != 0)
        {
            hub.PrintLog();
        }

        return result;
    }

    /// <summary>Messages, the cut, more messages, and the return; what is wrong if one of them does not come to its end.</summary>
    private async Task<string?> PlayAsync(HubProcess hub, ResumableUser[] users, List<RoundSender> senders, Task sending)
    {
        if (await WaitAsync(
            "the messages before the cut have come",
            () => sending.IsFaulted || users.All(user => Enumerable.Range(0, senders.Count).All(sender => user.NextOf(sender) >= settings.Rounds)),
            senders, users) is { } early)
        {
            return early;
        }

        Report.Progress("cut");
        long cutAt = Stopwatch.GetTimestamp();
        string by = await CutAsync(hub, users);
        if (await WaitAsync("all have lost their connections", () => users.All(user => user.IsLost), senders, users) is { } standing)
        {
            return standing;
        }

        _report.Row("connections cut", $"{Quantity.Count(users.Length)} in {Quantity.Seconds(Stopwatch.GetElapsedTime(cutAt, users.Max(user => user.LostAt)))}, by {by}");
        foreach (var ending in users.GroupBy(user => user.Ending).OrderByDescending(group => group.Count()).Take(3))
        {
            _report.Row("what users saw", $"{Quantity.Count(ending.Count())} × {ending.Key}");
        }

        _report.Row("received, not acknowledged then", Quantity.Count(users.Sum(user => user.Received - user.Acknowledged)));
        // The round under way may have begun before the cut.
        long[] rounds = [.. senders.Select(sender => sender.Rounds + 1 + settings.Rounds)];
        if (await WaitAsync(
            "messages were sent to all who are away",
            () => sending.IsFaulted || senders.Zip(rounds).All(pair => pair.First.Rounds >= pair.Second),
            senders, users) is { } unsent)
        {
            return unsent;
        }

        return await ResumeAsync(hub, users, senders, cutAt);
    }

    private async Task<string?> ResumeAsync(HubProcess hub, ResumableUser[] users, List<RoundSender> senders, long cutAt)
    {
        Report.Progress("all resume");
        long target = senders.Sum(sender => sender.Rounds);
        long missed = users.Sum(user => target - Math.Min(target, user.Received));
        Array.ForEach(users, user => user.Await(target));
        var processor = hub.ProcessorTime;
        long begin = Stopwatch.GetTimestamp();
        string? refused = await ConnectAsync(users, settings.AtOnce);
        if (refused is not null)
        {
            return refused;
        }

        string? behind = await WaitAsync("all have what they missed", () => users.All(user => user.ReachedAt > 0), senders, users);
        if (behind is null)
        {
            long welcomed = users.Max(user => user.WelcomedAt);
            long caughtUp = users.Max(user => user.ReachedAt);
            _report.Row("away", $"{Quantity.Seconds(Stopwatch.GetElapsedTime(cutAt, begin))} from the cut to the first who comes back");
            _report.Row("all have resumed after", $"{Quantity.Seconds(Stopwatch.GetElapsedTime(begin, welcomed))}, {settings.AtOnce} at once; {Quantity.Seconds(Stopwatch.GetElapsedTime(cutAt, welcomed))} from the cut");
            _report.Row("all have what they missed after", $"{Quantity.Seconds(Stopwatch.GetElapsedTime(begin, caughtUp))}: {Quantity.Count(missed)} messages");
            _report.Row("one: connect to WELCOME", Times(users.Select(user => user.Took)));
            _report.Row("one: WELCOME to all it missed", Times(users.Select(user => user.ReachedAt > user.WelcomedAt ? Stopwatch.GetElapsedTime(user.WelcomedAt, user.ReachedAt) : TimeSpan.Zero)));
            _report.Row("hub's processor time for that", Quantity.Seconds(hub.ProcessorTime - processor));
            // Those who are back get what is new.
            long[] rounds = [.. senders.Select(sender => sender.Rounds + 2)];
            behind = await WaitAsync("senders go on", () => senders.Zip(rounds).All(pair => pair.First.Rounds >= pair.Second), senders, users);
        }

        return behind;
    }

    /// <summary>Cuts all connections of the users; by what.</summary>
    private async Task<string> CutAsync(HubProcess hub, ResumableUser[] users)
    {
        if (settings.Cut == "hub")
        {
            // The kernel may pass over some while the table changes under its hands.
            int destroyed = 0;
            for (int i = 0; i < MaxCuts && destroyed < users.Length; i++)
            {
                destroyed += await ConnectionCut.DestroyAsync(hub.Endpoint, IPAddress.Loopback);
            }

            if (destroyed >= users.Length)
            {
                return "the kernel, which destroyed the hub's sockets (ss --kill)";
            }

            Report.Progress($"ss --kill destroyed {destroyed} of {users.Length}: the clients reset the others");
        }

        Array.ForEach(users, user => user.Reset());
        return "resets of the clients";
    }

    /// <summary>Connects them all, so many at a time; what is wrong if one could not.</summary>
    private static async Task<string?> ConnectAsync(ResumableUser[] users, int atOnce)
    {
        string? wrong = null;
        await Parallel.ForEachAsync(
            users,
            new ParallelOptions { MaxDegreeOfParallelism = atOnce },
            async (user, _) =>
            {
                try
                {
                    await user.ConnectAsync();
                }
                catch (Exception exception) when (exception is IOException or SocketException or InvalidDataException or AuthenticationException)
                {
                    wrong = exception.Message;
                }
            });
        return wrong;
    }

    /// <summary>Waits as long as anything moves; what is wrong if that is not enough.</summary>
    private static async Task<string?> WaitAsync(string what, Func<bool> isSo, List<RoundSender> senders, ResumableUser[] users)
    {
        long last = -1;
        var quiet = Stopwatch.StartNew();
        while (!isSo())
        {
            long moved = senders.Sum(sender => sender.Receivers) + users.Sum(user => user.Received) + users.Count(user => user.IsLost);
            if (moved != last)
            {
                last = moved;
                quiet.Restart();
            }
            else if (quiet.Elapsed > Patience)
            {
                return $"It never came to this: {what}.";
            }

            await Task.Delay(20);
        }

        return null;
    }

    /// <summary>How users speak TLS; null if they do not.</summary>
    private SslClientAuthenticationOptions? Secured()
    {
        if (settings.Tls == "off")
        {
            return null;
        }

        var options = WireConnection.TrustAnybody("localhost");
        options.AllowTlsResume = settings.Tls == "resumed";
        return options;
    }

    private static long Sent(List<RoundSender> senders) => senders.Sum(sender => sender.Rounds);

    private static string Times(IEnumerable<TimeSpan> times)
    {
        List<TimeSpan> sorted = [.. times.Order()];
        return $"median {Quantity.Micros(Statistics.Quantile(sorted, 0.5))}, p99 {Quantity.Micros(Statistics.Quantile(sorted, 0.99))}, max {Quantity.Micros(sorted[^1])}";
    }

    private void Checks(ResumableUser[] users, List<RoundSender> senders, string? wrong)
    {
        long accepted = senders.Sum(sender => sender.CountOf(Outcome.Accepted));
        long held = senders.Sum(sender => sender.CountOf(Outcome.Held));
        long told = senders.Sum(sender => sender.Receivers);
        long expected = Sent(senders) * users.Length;
        long missing = users.Sum(user => Enumerable.Range(0, senders.Count).Sum(sender => senders[sender].Rounds - user.NextOf(sender)));
        long skipped = users.Sum(user => user.Skipped);
        long repeated = users.Sum(user => user.Repeated);
        long damaged = users.Sum(user => user.Damaged);
        _report.Row("messages: sent, received", $"{Quantity.Count(expected)}, {Quantity.Count(users.Sum(user => user.Received))}");
        _report.Row("receipts: accepted, held, other", $"{Quantity.Count(accepted)}, {Quantity.Count(held)}, {Quantity.Count(told - accepted - held)}");
        int lost = users.Count(user => user.IsLost);
        _report.Check(wrong is null && lost == 0, $"every session went on with the same id, and {Quantity.Count(lost)} connections were lost after that. {wrong}".TrimEnd());
        _report.Check(missing == 0 && skipped == 0 && repeated == 0 && damaged == 0,
            $"nothing is missing ({missing}), skipped ({skipped}), repeated or late ({repeated}), damaged ({damaged})");
        _report.Check(told == expected && accepted + held == told, "each receipt says accepted or held");
        _report.Check(held >= (long)settings.Rounds * senders.Count * users.Length, "all were sent something while they were away");
    }
}
