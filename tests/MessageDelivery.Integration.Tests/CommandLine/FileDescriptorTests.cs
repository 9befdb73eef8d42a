using System.Globalization;
using System.Net.Sockets;

namespace MessageDelivery.Integration.Tests.CommandLine;

/// <summary>A hub that may have fewer file descriptors than connections come.</summary>
[Trait(MdsProcess.Trait, MdsProcess.TraitValue)]
public sealed class FileDescriptorTests
{
    private const int OpenFiles = 160;

    [Fact]
    public async Task Accepting_survives_running_out_of_file_descriptors()
    {
        await using var hub = await HubProcess.StartAsync(
            ["serve", "--port", "0", "--max-connections", "1000"], null, openFiles: OpenFiles);
        var crowd = new List<Socket>();
        try
        {
            for (int i = 0; i < 2 * OpenFiles; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                crowd.Add(socket);
                await socket.ConnectAsync(hub.Endpoint);
            }

            // Those for whom there is none left are closed at once instead of being left waiting.
            await hub.Mds.WaitForErrorAsync("failed with errno 24");
            int closed = 0;
            foreach (var socket in crowd)
            {
                closed += await IsClosedAsync(socket) ? 1 : 0;
            }

            Assert.InRange(closed, OpenFiles, (2 * OpenFiles) - 1);
        }
        finally
        {
            crowd.ForEach(socket => socket.Dispose());
        }

        // The hub needs a moment to see that they have gone.
        MdsResult result;
        for (int tries = 0; (result = await hub.RunAsync("echo", "still here")).ExitCode != 0 && tries < 50; tries++)
        {
            await Task.Delay(50);
        }

        Assert.Equal("still here\n", result.Text);
    }

    [Fact]
    public async Task The_limit_of_connections_follows_that_of_file_descriptors()
    {
        await using var hub = await HubProcess.StartAsync(["serve", "--port", "0"], null, openFiles: 4 * OpenFiles);
        string told = await hub.Mds.WaitForErrorAsync("connections: ");
        int connections = int.Parse(told.Split(',', ' ', ';')[0], CultureInfo.InvariantCulture);
        Assert.InRange(connections, OpenFiles, (4 * OpenFiles) - Math.Max(96, hub.OpenFiles() + 32));
    }

    private static async Task<bool> IsClosedAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(20));
        try
        {
            return await socket.ReceiveAsync(new byte[1], patience.Token) == 0;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
