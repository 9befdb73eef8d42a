using System.Net.Sockets;
using System.Text;
using MessageDelivery.Integration.Tests.CommandLine;

namespace MessageDelivery.Integration.Tests.Operations;

/// <summary>A hub that is told to reload, and tells when it has done so as it tells a service manager.</summary>
internal sealed class ReloadedHub : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Socket _manager;
    private readonly DirectoryInfo _folder;
    private int _lines;

    private ReloadedHub(HubProcess hub, Socket manager, DirectoryInfo folder) => (Hub, _manager, _folder) = (hub, manager, folder);

    public HubProcess Hub { get; }

    public static async Task<ReloadedHub> StartAsync(IEnumerable<string> options, string? directory = null)
    {
        var folder = Directory.CreateTempSubdirectory("manager");
        string address = Path.Combine(folder.FullName, "notify");
        var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(address));
        var hub = await HubProcess.StartAsync(["serve", .. options], new Dictionary<string, string> { ["NOTIFY_SOCKET"] = address }, directory);
        var reloaded = new ReloadedHub(hub, manager, folder);
        await reloaded.WaitAsync();
        return reloaded;
    }

    /// <summary>Sends SIGHUP, waits until the hub has done with it, and returns what it has logged meanwhile.</summary>
    public async Task<string> ReloadAsync()
    {
        Hub.Mds.Signal(MdsProcess.SigHup);
        await WaitAsync();

        // What it logged is written by a thread of its own; this comes behind it.
        string[] lines;
        do
        {
            await Task.Delay(5);
            lines = Hub.Mds.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        while (!lines.Skip(_lines).Any(line => line.Contains("eloaded", StringComparison.Ordinal)) && !Hub.Mds.Ended.IsCompleted);

        string logged = string.Join('\n', lines.Skip(_lines));
        _lines = lines.Length;
        return logged;
    }

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        _manager.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task WaitAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        byte[] state = new byte[4_096];
        while (true)
        {
            var received = _manager.ReceiveAsync(state, patience.Token).AsTask();
            if (await Task.WhenAny(received, Hub.Mds.Ended) != received)
            {
                await patience.CancelAsync();
                await Task.WhenAny(received);
                throw new InvalidOperationException($"the hub has ended: {(await Hub.Mds.EndAsync()).ExitCode} {Hub.Mds.Error}");
            }

            if (Encoding.UTF8.GetString(state, 0, await received).StartsWith("READY=1", StringComparison.Ordinal))
            {
                return;
            }
        }
    }
}
