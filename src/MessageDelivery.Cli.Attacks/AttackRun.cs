using System.Diagnostics;
using MessageDelivery.Client;

namespace MessageDelivery.Cli.Attacks;

/// <summary>Makes attacks one after the other, with a healthy pair beside them, and judges each.</summary>
/// <param name="progress">Told the name of each attack before it begins.</param>
internal sealed class AttackRun(AttackTarget target, AttackPlan plan, Action<string> progress) : IAsyncDisposable
{
    // A hub that counts connections may refuse the healthy for a while after a flood of them: both have the same address.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan BetweenTries = TimeSpan.FromMilliseconds(500);
    private const double BytesPerMebibyte = 1 << 20;

    private HealthyPair? _pair;
    private HubMeter? _meter;

    /// <exception cref="HubConnectionException">The hub cannot be reached, or does not let the healthy pair in.</exception>
    public async Task<AttackReport> RunAsync(CancellationToken cancellationToken)
    {
        // Whoever is not let in in order has nothing to compare an attack with.
        _pair = await HealthyPair.ConnectAsync(target.Options, cancellationToken);
        var probed = await target.ProbeAsync(cancellationToken);
        _meter = CreateMeter();
        var results = new List<AttackResult>();
        foreach (var attack in plan.Attacks)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress(attack.Name);
            results.Add(
                attack.DoesNotApply(probed) is { } reason ? Skipped(attack, reason)
                : !await HasHealthyPairAsync(cancellationToken) ? Skipped(attack, "the hub lets no healthy client in any more", Verdict.Suspect)
                : await MakeAsync(attack, probed, cancellationToken));
        }

        return new(
            $"{target.Options.Host}:{target.Options.Port}", probed.IsOpen, probed.HasTls, probed.WantsTls, _meter?.ProcessId,
            results.Max(result => result.Use?.PeakBytes), plan.Time.TotalSeconds, plan.Connections, results);
    }

    public async ValueTask DisposeAsync()
    {
        if (_pair is not null)
        {
            await _pair.DisposeAsync();
        }

        if (_meter is not null)
        {
            await _meter.DisposeAsync();
        }
    }

    private HubMeter? CreateMeter() => plan.ProcessId is { } process
        ? HubMeter.Create(process) ?? throw new ArgumentException($"--pid {process}: there is no such process that can be looked at")
        : target.IsLocal && ListeningProcess.Find(target.Options.Port) is { } found ? HubMeter.Create(found) : null;

    private async Task<bool> HasHealthyPairAsync(CancellationToken cancellationToken)
    {
        var since = Stopwatch.StartNew();
        while (_pair?.Lost is not null || _pair is null)
        {
            if (_pair is not null)
            {
                await _pair.DisposeAsync();
                _pair = null;
            }

            try
            {
                _pair = await HealthyPair.ConnectAsync(target.Options, cancellationToken);
            }
            catch (HubConnectionException) when (since.Elapsed < Patience)
            {
                await Task.Delay(BetweenTries, cancellationToken);
            }
            catch (HubConnectionException)
            {
                return false;
            }
        }

        return true;
    }

    private async Task<AttackResult> MakeAsync(Attack attack, AttackTarget probed, CancellationToken cancellationToken)
    {
        _pair!.Begin();
        await Task.Delay(plan.Before, cancellationToken);
        var before = await _pair.EndAsync();

        _meter?.Begin();
        _pair.Begin();
        var clock = Stopwatch.StartNew();
        using var scene = new AttackScene(probed, plan, cancellationToken);
        await attack.RunAsync(scene);
        double seconds = Math.Round(clock.Elapsed.TotalSeconds, 2);
        if (clock.Elapsed < plan.Before)
        {
            // An attack that is soon over may hurt a moment later, and a few messages make no percentile.
            await Task.Delay(plan.Before - clock.Elapsed, cancellationToken);
        }

        var during = await _pair.EndAsync();
        var use = _meter?.End();
        cancellationToken.ThrowIfCancellationRequested();
        Judge(attack, scene, during, use);

        var tally = scene.Tally;
        bool wasTried = tally.Opened > 0;
        bool isSuspect = scene.Reasons.Count > 0;
        return new(
            attack.Name, attack.Tries, attack.Wants,
            isSuspect ? Verdict.Suspect : wasTried ? Verdict.Ok : Verdict.Skipped,
            isSuspect || wasTried ? scene.Reasons : ["the hub refused every connection"])
        {
            Tried = tally.Tried(seconds),
            Did = tally.Did(),
            Before = before,
            During = during,
            Use = use,
        };
    }

    private void Judge(Attack attack, AttackScene scene, HealthSummary during, HubUse? use)
    {
        if (during.Disconnected is { } why)
        {
            scene.Suspect($"the healthy pair was disconnected: {why}");
        }
        else if (during.Lost > 0)
        {
            scene.Suspect($"{during.Lost:N0} of the healthy pair's {during.Sent:N0} messages did not arrive");
        }

        if (during.LongestGapMicroseconds > plan.LongestGap.TotalMicroseconds)
        {
            scene.Suspect($"the healthy pair stood still for {during.LongestGapMicroseconds / 1e6:0.0} s; {plan.LongestGap.TotalSeconds:0.##} s are expected at most");
        }

        if (_meter is not null && use is null)
        {
            scene.Suspect($"the hub's process {_meter.ProcessId} has ended");
        }

        long most = attack.MaxGrowthBytes(scene);
        if (use is not null && use.PeakBytes - use.BytesBefore > most)
        {
            scene.Suspect($"the hub's memory grew by {Mebibytes(use.PeakBytes - use.BytesBefore)}; {Mebibytes(most)} are expected at most");
        }
    }

    private static string Mebibytes(long bytes) => $"{bytes / BytesPerMebibyte:0} MiB";

    private static AttackResult Skipped(Attack attack, string reason, string verdict = Verdict.Skipped) =>
        new(attack.Name, attack.Tries, attack.Wants, verdict, [reason]);
}
