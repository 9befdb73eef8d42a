using System.Collections;
using System.Diagnostics;
using System.Net;

namespace MessageDelivery.Scenarios;

/// <summary>A hub as users run it: <c>./mds serve</c> on a free port, told to stop at the end.</summary>
internal sealed class HubProcess : IDisposable
{
    private const string Ready = "listening on ";
    private static readonly string[] LogLevel = ["--log-level", "information"];
    private static readonly TimeSpan MaxStart = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan MaxStop = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly Queue<string> _log = new();

    private HubProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public IPEndPoint Endpoint { get; private set; } = new(IPAddress.Loopback, 0);

    public bool HasExited => _process.HasExited;

    /// <summary>Processor time that it has used so far, of all its threads.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.HasExited ? TimeSpan.Zero : _process.TotalProcessorTime;
        }
    }

    /// <summary>Gets each line of its log, on any thread, one at a time.</summary>
    public Action<string>? Logged { get; set; }

    public static async Task<HubProcess> StartAsync(params string[] options)
    {
        var start = new ProcessStartInfo(
            Path.Combine(Repository.Root, "mds"), ["serve", "--port", "0", .. options.Contains("--log-level") ? [] : LogLevel, .. options])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // Nobody's mds.json is to change what is measured.
            WorkingDirectory = AppContext.BaseDirectory,
        };
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            if (((string)variable.Key).StartsWith("MDS_", StringComparison.OrdinalIgnoreCase))
            {
                start.Environment.Remove((string)variable.Key);
            }
        }

        var hub = new HubProcess(Process.Start(start) ?? throw new InvalidOperationException("the hub did not start"));
        hub._process.ErrorDataReceived += (_, line) => hub.Remember(line.Data);
        hub._process.BeginErrorReadLine();
        try
        {
            using var tooLong = new CancellationTokenSource(MaxStart);
            string? line = await hub._process.StandardOutput.ReadLineAsync(tooLong.Token);
            hub.Endpoint = line is not null && line.StartsWith(Ready, StringComparison.Ordinal)
                ? IPEndPoint.Parse(line.AsSpan(Ready.Length))
                : throw new InvalidOperationException($"the hub said '{line}' instead of '{Ready}…'");
            return hub;
        }
        catch
        {
            hub.PrintLog();
            hub.Dispose();
            throw;
        }
    }

    /// <summary>Stops it as a person would; its exit code, or null if it had to be killed.</summary>
    public async Task<int?> StopAsync()
    {
        if (!_process.HasExited)
        {
            using var kill = Process.Start("kill", ["-TERM", $"{Id}"]);
            using var tooLong = new CancellationTokenSource(MaxStop);
            try
            {
                await _process.WaitForExitAsync(tooLong.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
                return null;
            }
        }

        return _process.ExitCode;
    }

    /// <summary>The last lines of its log, for whoever looks for why a check failed.</summary>
    public void PrintLog()
    {
        lock (_log)
        {
            foreach (string line in _log)
            {
                Console.Error.WriteLine($"  hub: {line}");
            }
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private void Remember(string? line)
    {
        lock (_log)
        {
            if (line is not null)
            {
                _log.Enqueue(line);
                Logged?.Invoke(line);
            }

            if (_log.Count > 40)
            {
                _log.Dequeue();
            }
        }
    }
}
