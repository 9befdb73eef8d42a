using System.Diagnostics;
using MessageDelivery.Torture.Checking;
using MessageDelivery.Torture.Faults;
using MessageDelivery.Torture.Load;

namespace MessageDelivery.Torture.Processes;

/// <summary>A client process, from outside: what it tells goes to the checker, and it can be stopped, killed and started anew.</summary>
internal sealed class ClientProcess(
    Func<ProcessStartInfo> command, Checker checker, UserDirectory directory, FaultCounts faults, Random random)
{
    private static readonly TimeSpan DirectoryInterval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan MaxEnd = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private Process? _process;
    private volatile bool _stopsSending;
    private volatile bool _leaves;

    /// <summary>Runs one process after another until the client is to leave.</summary>
    public async Task RunAsync()
    {
        while (!_leaves)
        {
            var told = new ProcessHistory(checker);
            using var process = Start();
            using var ended = new CancellationTokenSource();
            var informing = InformAsync(process, ended.Token);
            var striking = StrikeAsync(process, ended.Token);
            while (await process.StandardOutput.ReadLineAsync() is { } line)
            {
                Tell(process, told, line);
            }

            using (var tooLong = new CancellationTokenSource(MaxEnd))
            {
                await process.WaitForExitAsync(tooLong.Token);
            }

            await ended.CancelAsync();
            bool wasKilled = await striking;
            await informing;
            lock (_gate)
            {
                _process = null;
            }

            if (!wasKilled && (process.ExitCode != 0 || !_leaves))
            {
                checker.Unexpected(0, $"a client process ended with exit code {process.ExitCode}");
                _leaves = true;
            }

            told.End();
        }
    }

    public void StopSending()
    {
        _stopsSending = true;
        Say(ClientProgram.NoFaults);
        Say(ClientProgram.StopSending);
    }

    public void Leave()
    {
        _leaves = true;
        Say(ClientProgram.Leave);
    }

    private static void Tell(Process process, ProcessHistory told, string line)
    {
        if (line.StartsWith('?'))
        {
            Write(process, $"!{line[1..]}");
        }
        else
        {
            PipedHistory.Tell(told, line);
        }
    }

    private static void Write(Process process, string line)
    {
        try
        {
            lock (process)
            {
                process.StandardInput.WriteLine(line);
                process.StandardInput.Flush();
            }
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or ObjectDisposedException)
        {
            // It was killed; the end of its output says so.
        }
    }

    private Process Start()
    {
        var start = command();
        start.RedirectStandardInput = start.RedirectStandardOutput = true;
        start.Environment["DOTNET_TieredPGO"] = "0";
        var process = Process.Start(start) ?? throw new InvalidOperationException("a client process did not start");
        lock (_gate)
        {
            _process = process;
        }

        if (_stopsSending)
        {
            StopSending();
        }

        return process;
    }

    private void Say(string line)
    {
        Process? process;
        lock (_gate)
        {
            process = _process;
        }

        if (process is not null)
        {
            Write(process, line);
        }
    }

    private async Task InformAsync(Process process, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                Write(process, ClientProgram.Users(directory));
                await Task.Delay(DirectoryInterval, cancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            // It has ended.
        }
    }

    /// <summary>Stops and continues the process, and kills it at last; whether it did.</summary>
    private async Task<bool> StrikeAsync(Process process, CancellationToken cancellationToken)
    {
        if (!faults.AreOn)
        {
            return false;
        }

        long begin = Stopwatch.GetTimestamp();
        var life = FaultTable.ClientLife.Draw(random);
        try
        {
            while (Stopwatch.GetElapsedTime(begin) < life)
            {
                var rest = life - Stopwatch.GetElapsedTime(begin);
                var pause = FaultTable.ClientStopPause.Draw(random);
                await Task.Delay(pause < rest ? pause : rest > TimeSpan.Zero ? rest : TimeSpan.Zero, cancellationToken);
                if (!faults.AreOn)
                {
                    return false;
                }

                if (pause < rest)
                {
                    Signals.SendStop(process.Id);
                    faults.Add(FaultKind.ClientStopped);
                    await Task.Delay(FaultTable.ClientStopLength.Draw(random), CancellationToken.None);
                    Signals.SendContinue(process.Id);
                }
            }

            if (!faults.AreOn)
            {
                return false;
            }

            Signals.SendKill(process.Id);
            faults.Add(FaultKind.ClientKilled);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
