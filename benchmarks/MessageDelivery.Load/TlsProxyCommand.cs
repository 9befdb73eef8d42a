using System.CommandLine;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace MessageDelivery.Load;

/// <summary>
/// Takes plain connections and goes on in TLS, so that what the load generator sends reaches a server encrypted. What it costs is not the
/// server's: only the server's processor time is measured.
/// </summary>
internal static class TlsProxyCommand
{
    private const int PieceBytes = 64 << 10;

    public static Command Command()
    {
        var to = new Option<int>("--to") { Description = "The server's TCP port at 127.0.0.1.", Required = true };
        var startsPlain = new Option<bool>("--starts-plain")
        {
            Description = "The server says a line in the clear before TLS begins, as nats-server does.",
        };
        var command = new Command("tls-proxy", "Takes plain connections and goes on in TLS 1.3; prints its port and runs until it is killed.") { to, startsPlain };
        command.SetAction((arguments, _) => RunAsync(arguments.GetValue(to), arguments.GetValue(startsPlain)));
        return command;
    }

    private static async Task RunAsync(int port, bool startsPlain)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start(1024);
        Console.Out.WriteLine(((IPEndPoint)listener.LocalEndpoint).Port);
        while (true)
        {
            var client = await listener.AcceptSocketAsync();
            _ = ServeAsync(client, port, startsPlain);
        }
    }

    private static async Task ServeAsync(Socket client, int port, bool startsPlain)
    {
        try
        {
            using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            client.NoDelay = true;
            await server.ConnectAsync(IPAddress.Loopback, port);
            await using var plain = new NetworkStream(client, ownsSocket: true);
            await using var network = new NetworkStream(server);
            byte[] line = startsPlain ? await ReadLineAsync(network) : [];
            await using var tls = new SslStream(network);
#pragma warning disable CA5359 // A server of our own, on this machine, whose certificate is thrown away.
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                EnabledSslProtocols = SslProtocols.Tls13,
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            });
#pragma warning restore CA5359
            await plain.WriteAsync(line);
            await Task.WhenAny(CopyAsync(plain, tls), CopyAsync(tls, plain));
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException)
        {
            client.Dispose();
        }
    }

    private static async Task<byte[]> ReadLineAsync(Stream stream)
    {
        var line = new List<byte>();
        byte[] next = new byte[1];
        do
        {
            await stream.ReadExactlyAsync(next);
            line.Add(next[0]);
        }
        while (next[0] != '\n');
        return [.. line];
    }

    private static Task CopyAsync(Stream from, Stream to) => from.CopyToAsync(to, PieceBytes);
}
