using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using MessageDelivery.Cli;
using MessageDelivery.Integration.Tests.Support;
using MessageDelivery.Protocol;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary><c>mds serve</c> under a service manager: what it tells (sd_notify(3)), and sockets it is passed (sd_listen_fds(3)).</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed partial class SupervisorTests : IDisposable
{
    private const int SigHup = 1;
    private const int GetDescriptorFlags = 1;
    private const int SetDescriptorFlags = 2;
    private const int CloseOnExec = 1;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mds");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Tells_when_it_is_ready_reloads_and_stops()
    {
        using var manager = Listen(out string address);
        await using var hub = await HubProcess.StartAsync(["serve", "--port", "0"], new Dictionary<string, string> { ["NOTIFY_SOCKET"] = address });
        Assert.Equal($"READY=1\nSTATUS=listening on {hub.Endpoint}", await ReceiveAsync(manager));
        hub.Mds.Signal(SigHup);
        string reloading = await ReceiveAsync(manager);
        Assert.StartsWith("RELOADING=1\nMONOTONIC_USEC=", reloading, StringComparison.Ordinal);
        Assert.True(long.Parse(reloading[(reloading.LastIndexOf('=') + 1)..], CultureInfo.InvariantCulture) > 0);
        Assert.StartsWith("READY=1\n", await ReceiveAsync(manager), StringComparison.Ordinal);
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.StartsWith("STOPPING=1\n", await ReceiveAsync(manager), StringComparison.Ordinal);
        Assert.Equal(0, (await hub.Mds.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Feeds_the_watchdog_as_long_as_its_threads_answer()
    {
        using var manager = Listen(out string address);
        await using var hub = await HubProcess.StartAsync(
            ["serve", "--port", "0"], new Dictionary<string, string> { ["NOTIFY_SOCKET"] = address, ["WATCHDOG_USEC"] = "300000" });
        Assert.StartsWith("READY=1\n", await ReceiveAsync(manager), StringComparison.Ordinal);
        Assert.Equal("WATCHDOG=1", await ReceiveAsync(manager));
        Assert.Equal("WATCHDOG=1", await ReceiveAsync(manager));
    }

    [Fact]
    public async Task A_watchdog_of_another_process_is_not_fed()
    {
        using var manager = Listen(out string address);
        await using var hub = await HubProcess.StartAsync(
            ["serve", "--port", "0"],
            new Dictionary<string, string> { ["NOTIFY_SOCKET"] = address, ["WATCHDOG_USEC"] = "1000", ["WATCHDOG_PID"] = "1" });
        Assert.StartsWith("READY=1\n", await ReceiveAsync(manager), StringComparison.Ordinal);
        hub.Mds.Signal(MdsProcess.SigTerm);
        Assert.StartsWith("STOPPING=1\n", await ReceiveAsync(manager), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manager_that_is_not_there_is_no_reason_not_to_serve()
    {
        await using var hub = await HubProcess.StartAsync(
            ["serve", "--port", "0"], new Dictionary<string, string> { ["NOTIFY_SOCKET"] = Path.Combine(_directory.FullName, "nobody") });
        await hub.Mds.WaitForErrorAsync("cannot be told");
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
    }

    [Fact]
    public async Task Serves_on_the_socket_it_is_passed()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        await using var mds = StartWith(socket, "--port", "1");
        Assert.Equal($"listening on {socket.LocalEndPoint}", await mds.ReadLineAsync());
        await mds.WaitForErrorAsync("Listening on sockets that the service manager passed, 1 of them");
        var result = await MdsProcess.RunAsync("identity", "--hub", $"{socket.LocalEndPoint}");
        Assert.Equal(("1\n", 0), (result.Text, result.ExitCode));
    }

    /// <summary>
    /// The service manager keeps the socket, so that whoever comes while the hub drains waits there for the next hub. The one that drains
    /// must not be woken by them again and again.
    /// </summary>
    [Fact]
    public async Task Rests_while_it_drains_although_somebody_knocks_at_the_socket_it_was_passed()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        var hub = (IPEndPoint)socket.LocalEndPoint!;
        await using var mds = StartWith(socket, "--drain-timeout", "1h", "--heartbeat", "0");
        Assert.Equal($"listening on {hub}", await mds.ReadLineAsync());
        await using var slow = await (await RawConnection.ConnectAsync(hub, receiveBufferBytes: 16_384)).HelloAsync();
        await using var sender = await (await RawConnection.ConnectAsync(hub)).HelloAsync();
        byte[][] bodies = [.. Enumerable.Range(0, 4).Select(i => Frames.Pattern(Frames.MaxBodyBytes, i))];
        await sender.SendAsync([.. bodies.Select(body => Frames.Relay(slow.UserId, body, 1))]);
        await sender.ExpectAsync([.. bodies.Select(_ => Frames.Receipt(1, Outcome.Accepted))]);

        mds.Signal(MdsProcess.SigTerm);
        await sender.ExpectGoodbyeAsync(ProtocolCode.ShuttingDown);
        await using var waits = await RawConnection.ConnectAsync(hub);
        Assert.True(await RestsAsync(mds), "It did not rest for a quarter of a second.");

        await slow.ExpectAsync([.. bodies.Select(body => Frames.Delivery(sender.UserId, body))]);
        await slow.ExpectGoodbyeAsync(ProtocolCode.ShuttingDown);
        await slow.DisposeAsync();
        await sender.DisposeAsync();
        Assert.Null(await mds.ReadLineAsync());
        var result = await mds.EndAsync();
        Assert.Equal(0, result.ExitCode);
        Assert.DoesNotContain("Accepting on", result.Error, StringComparison.Ordinal);
    }

    /// <summary>Whether there comes a quarter of a second in which it uses next to no processor time.</summary>
    private static async Task<bool> RestsAsync(MdsProcess mds)
    {
        const int TicksThatAreNothing = 3;
        for (int tries = 0; tries < 40; tries++)
        {
            long before = ProcessorTicks(mds.Id);
            await Task.Delay(250);
            if (ProcessorTicks(mds.Id) - before < TicksThatAreNothing)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Hundredths of a second that it has used (proc(5), utime and stime).</summary>
    private static long ProcessorTicks(int process)
    {
        string status = File.ReadAllText($"/proc/{process}/stat");
        string[] fields = status[(status.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task A_passed_socket_that_strangers_reach_needs_allow_anonymous()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        socket.Listen();
        await using (var refused = StartWith(socket))
        {
            Assert.Null(await refused.ReadLineAsync());
            var result = await refused.EndAsync();
            Assert.Equal((int)ExitCode.Usage, result.ExitCode);
            Assert.Contains($"mds: A socket that was passed listens on {socket.LocalEndPoint}, which others can reach", result.Error, StringComparison.Ordinal);
        }

        await using var allowed = StartWith(socket, "--allow-anonymous");
        Assert.Equal($"listening on {socket.LocalEndPoint}", await allowed.ReadLineAsync());
    }

    [Fact]
    public async Task A_passed_descriptor_that_does_not_listen_is_an_error()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var mds = StartWith(socket);
        Assert.Null(await mds.ReadLineAsync());
        var result = await mds.EndAsync();
        Assert.Equal((int)ExitCode.Usage, result.ExitCode);
        Assert.Contains("mds: Descriptor 3 was passed to listen on, and is no TCP socket that listens", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sockets_that_were_passed_to_another_process_are_none_of_its_business()
    {
        await using var hub = await HubProcess.StartAsync(
            ["serve", "--port", "0"], new Dictionary<string, string> { ["LISTEN_PID"] = "1", ["LISTEN_FDS"] = "1" });
        Assert.Equal(0, (await hub.RunAsync("identity")).ExitCode);
    }

    /// <summary>Starts a hub as a service manager does: with the socket as descriptor 3, and told so.</summary>
    private static MdsProcess StartWith(Socket socket, params string[] options)
    {
        int descriptor = (int)socket.Handle;
        Assert.Equal(0, Control(descriptor, SetDescriptorFlags, Control(descriptor, GetDescriptorFlags, 0) & ~CloseOnExec));
        string script = string.Create(CultureInfo.InvariantCulture, $"exec 3<&{descriptor} && LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"");
        var started = MdsProcess.Start(["-c", script, MdsProcess.Program, "serve", .. options], readsLines: true, program: "/bin/bash");
        _ = Control(descriptor, SetDescriptorFlags, CloseOnExec);
        return started;
    }

    private Socket Listen(out string address)
    {
        address = Path.Combine(_directory.FullName, "notify");
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(address));
        return socket;
    }

    private static async Task<string> ReceiveAsync(Socket manager)
    {
        byte[] buffer = new byte[4096];
        using var patience = new CancellationTokenSource(Patience);
        return Encoding.UTF8.GetString(buffer, 0, await manager.ReceiveAsync(buffer.AsMemory(), patience.Token));
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int argument);
}
