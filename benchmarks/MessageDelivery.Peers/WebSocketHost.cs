using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.CommandLine;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace MessageDelivery.Peers;

/// <summary>
/// A relay on ASP.NET Core's raw WebSockets. Each message begins with the number of a channel and goes as it is to all who subscribe to
/// that; one with nothing behind the number subscribes, and comes back.
/// </summary>
internal sealed class WebSocketHost
{
    private const int BufferBytes = 64 << 10;
    private const int Backlog = 16_384;

    private readonly ConcurrentDictionary<uint, Subscriber[]> _channels = new();

    public static Command Command()
    {
        var port = PortOption.Create();
        var command = new Command("aspnet", "A relay on ASP.NET Core's WebSockets.") { port };
        command.SetAction((arguments, stop) => new WebSocketHost().RunAsync(arguments.GetValue(port), stop));
        return command;
    }

    private async Task<int> RunAsync(int port, CancellationToken stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost
            .UseKestrelCore()
            .UseSockets(sockets => sockets.Backlog = Backlog)
            .ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
        await using var application = builder.Build();
        application.UseWebSockets(new() { KeepAliveInterval = TimeSpan.Zero });
        application.Run(ServeAsync);
        await application.StartAsync(stop);
        await Until.StoppedAsync(stop);
        return 0;
    }

    private async Task ServeAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        using var subscriber = new Subscriber(socket);
        uint? subscribed = null;
        byte[] buffer = new byte[BufferBytes];
        try
        {
            while (await ReceiveAsync(socket, buffer, context.RequestAborted) is var message && message.Length >= sizeof(uint))
            {
                uint channel = BinaryPrimitives.ReadUInt32BigEndian(message.Span);
                if (message.Length == sizeof(uint))
                {
                    subscribed = channel;
                    _channels.AddOrUpdate(channel, [subscriber], (_, others) => [.. others, subscriber]);
                    await subscriber.SendAsync(message);
                    continue;
                }

                foreach (var receiver in _channels.GetValueOrDefault(channel) ?? [])
                {
                    await receiver.SendAsync(message);
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException)
        {
            // Its client has gone.
        }

        if (subscribed is { } left)
        {
            _channels.AddOrUpdate(left, [], (_, all) => [.. all.Where(other => other != subscriber)]);
        }
    }

    /// <summary>A whole message; an empty one at the end.</summary>
    private static async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(WebSocket socket, byte[] buffer, CancellationToken stop)
    {
        int count = 0;
        ValueWebSocketReceiveResult result;
        do
        {
            result = await socket.ReceiveAsync(buffer.AsMemory(count), stop);
            count += result.Count;
        }
        while (!result.EndOfMessage && count < buffer.Length);
        return result.MessageType == WebSocketMessageType.Close || !result.EndOfMessage ? default : buffer.AsMemory(0, count);
    }

    /// <summary>Only one may send at a time.</summary>
    private sealed class Subscriber(WebSocket socket) : IDisposable
    {
        private readonly SemaphoreSlim _turn = new(1);

        public async ValueTask SendAsync(ReadOnlyMemory<byte> message)
        {
            try
            {
                await _turn.WaitAsync();
                try
                {
                    if (socket.State == WebSocketState.Open)
                    {
                        await socket.SendAsync(message, WebSocketMessageType.Binary, WebSocketMessageFlags.EndOfMessage, CancellationToken.None);
                    }
                }
                finally
                {
                    _turn.Release();
                }
            }
            catch (Exception e) when (e is WebSocketException or IOException or ObjectDisposedException)
            {
                // It has gone, which its own end notices.
            }
        }

        public void Dispose() => _turn.Dispose();
    }
}
