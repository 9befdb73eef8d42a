using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using MessageDelivery.Comparison.Measuring;

namespace MessageDelivery.Comparison.Servers;

/// <summary>A server did not come up, or ended by itself.</summary>
internal sealed class ServerException(string message) : Exception(message);

/// <summary>A server that runs on its core, on a free port of 127.0.0.1, with a folder of its own for what it writes.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private const int SigCont = 18;
    private const int SigStop = 19;
    private static readonly TimeSpan MaxStart = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan MaxFinishing = TimeSpan.FromSeconds(2);

    // Three of the ticks in which the system accounts.
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(30);

    private readonly Process _process;
    private readonly string _folder;

    private ServerProcess(Process process, int port, string folder)
    {
        _process = process;
        _folder = folder;
        Port = port;
    }

    public int Id => _process.Id;

    public int Port { get; }

    /// <summary>From the start of the process until it accepted a connection.</summary>
    public TimeSpan Startup { get; private set; }

    public bool HasExited => _process.HasExited;

    /// <summary>Starts it and waits until it accepts connections.</summary>
    /// <exception cref="ServerException">It ended, or did not accept any within 30 s.</exception>
    public static async Task<ServerProcess> StartAsync(Server server, Cores cores)
    {
        string folder = Directory.CreateTempSubdirectory($"bench-{server.Name}-").FullName;
        int port = FreePort();
        var launch = server.LaunchAt(port, folder);
        // The shell and taskset replace themselves: the process that is started is the server's. Logs are written, as in use, but
        // nobody reads them meanwhile.
        var start = new ProcessStartInfo("/bin/sh",
            ["-c", "exec taskset -c \"$0\" \"$@\" >server.log 2>&1 </dev/null", string.Join(',', server.CoresOf(cores)),
                launch.Program, .. launch.Arguments])
        {
            WorkingDirectory = folder,
        };
        foreach (string name in start.Environment.Keys.Where(key => key.StartsWith("MDS_", StringComparison.OrdinalIgnoreCase)).ToList())
        {
            start.Environment.Remove(name);
        }

        long begin = Stopwatch.GetTimestamp();
        var process = new ServerProcess(Process.Start(start)!, port, folder);
        try
        {
            await process.WaitUntilAcceptingAsync(server.Title, begin);
            return process;
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// While others are measured it gets no processor time at all. First it may finish, for at most 2 s, what the last turn has left
    /// in its sockets, which would otherwise reach the receivers of the next.
    /// </summary>
    public async Task SuspendAsync()
    {
        long begin = Stopwatch.GetTimestamp();
        var used = TimeSpan.MinValue;
        while (!_process.HasExited && used != _process.TotalProcessorTime && Stopwatch.GetElapsedTime(begin) < MaxFinishing)
        {
            used = _process.TotalProcessorTime;
            await Task.Delay(Idle);
        }

        Signal(SigStop);
    }

    public void Resume() => Signal(SigCont);

    public long ResidentBytes()
    {
        string line = File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // There is nothing that it should still do or store.
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task WaitUntilAcceptingAsync(string title, long begin)
    {
        while (true)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(IPAddress.Loopback, Port);
                Startup = Stopwatch.GetElapsedTime(begin);
                return;
            }
            catch (SocketException) when (!_process.HasExited && Stopwatch.GetElapsedTime(begin) < MaxStart)
            {
                await Task.Delay(1);
            }
            catch (SocketException)
            {
                string log = File.ReadLines(Path.Combine(_folder, "server.log")).LastOrDefault() ?? "it printed nothing";
                throw new ServerException($"{title} accepted no connection within {MaxStart.TotalSeconds:0} s: {log}");
            }
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private void Signal(int signal)
    {
        if (!_process.HasExited)
        {
            _ = Kill(_process.Id, signal);
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
