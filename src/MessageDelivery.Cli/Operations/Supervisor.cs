using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using MessageDelivery.Hub;
using Microsoft.Extensions.Logging;

namespace MessageDelivery.Cli.Operations;

/// <summary>
/// The service manager that started this process, such as systemd: it is told how the hub is (sd_notify(3)), and may pass sockets
/// (sd_listen_fds(3)). Without one nothing is done.
/// </summary>
internal sealed class Supervisor : IDisposable
{
    private const int FirstPassedDescriptor = 3;
    private const int MaxPassedDescriptors = 1_024;

    private readonly string _address;
    private readonly ILogger _logger;
    private readonly Socket? _socket;
    private readonly CancellationTokenSource _ends = new();
    private bool _failed;

    private Supervisor(string address, ILogger logger)
    {
        (_address, _logger) = (address, logger);
        if (address.Length == 0)
        {
            return;
        }

        try
        {
            _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            // An address that begins with @ has no file.
            _socket.Connect(new UnixDomainSocketEndPoint(address[0] == '@' ? $"\0{address[1..]}" : address));
        }
        catch (Exception exception) when (exception is SocketException or ArgumentException)
        {
            _socket?.Dispose();
            _socket = null;
            Failed(exception);
        }
    }

    /// <summary>The one that the environment names.</summary>
    public static Supervisor FromEnvironment(ILogger logger) => new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET") ?? "", logger);

    /// <summary>The listening sockets that were passed to this process.</summary>
    /// <exception cref="CommandException">The environment names an impossible number.</exception>
    public static IReadOnlyList<SafeSocketHandle> PassedSockets()
    {
        if (Environment.GetEnvironmentVariable("LISTEN_PID") != Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
        {
            return [];
        }

        string count = Environment.GetEnvironmentVariable("LISTEN_FDS") ?? "";
        return int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int sockets) && sockets <= MaxPassedDescriptors
            ? [.. Enumerable.Range(FirstPassedDescriptor, sockets).Select(descriptor => new SafeSocketHandle(descriptor, ownsHandle: true))]
            : throw new CommandException(
                ExitCode.Usage, $"the environment variable LISTEN_FDS is '{count}': it must be a whole number from 0 to {MaxPassedDescriptors}");
    }

    /// <summary>The hub accepts connections, or has done with a reload.</summary>
    public void Ready(string status) => Tell($"READY=1\nSTATUS={status}");

    /// <summary>A reload begins; <see cref="Ready"/> ends it.</summary>
    public void Reloading() => Tell($"RELOADING=1\nMONOTONIC_USEC={Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000)}");

    /// <summary>The hub stops.</summary>
    public void Stopping() => Tell("STOPPING=1\nSTATUS=sending what is queued");

    /// <summary>Tells that all is well as often as the manager wants to hear it, as long as the hub's threads answer.</summary>
    public void Watch(MessageHub hub)
    {
        string? process = Environment.GetEnvironmentVariable("WATCHDOG_PID");
        if (_socket is not null
            && (process is null || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture))
            && long.TryParse(Environment.GetEnvironmentVariable("WATCHDOG_USEC"), NumberStyles.None, CultureInfo.InvariantCulture, out long interval)
            && interval > 0)
        {
            _ = WatchAsync(hub, TimeSpan.FromMicroseconds(Math.Max(interval / 3.0, 1_000)));
        }
    }

    public void Dispose()
    {
        _ends.Cancel();
        _ends.Dispose();
        _socket?.Dispose();
    }

    private async Task WatchAsync(MessageHub hub, TimeSpan pause)
    {
        try
        {
            var ends = _ends.Token;
            using var timer = new PeriodicTimer(pause);
            while (await timer.WaitForNextTickAsync(ends))
            {
                try
                {
                    await hub.RespondAsync().WaitAsync(pause, ends);
                    Tell("WATCHDOG=1");
                }
                catch (TimeoutException)
                {
                    _logger.Unresponsive((long)pause.TotalMilliseconds);
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or InvalidOperationException)
        {
            // The hub stops; the manager's own time limit takes over.
        }
    }

    private void Tell(string state)
    {
        try
        {
            _socket?.Send(Encoding.UTF8.GetBytes(state), SocketFlags.None);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            Failed(exception);
        }
    }

    private void Failed(Exception exception)
    {
        if (!_failed)
        {
            _failed = true;
            _logger.SupervisorFailed(_address, exception.Message);
        }
    }
}
