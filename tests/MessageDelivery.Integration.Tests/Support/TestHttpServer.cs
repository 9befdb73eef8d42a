using System.Collections.Concurrent;
using System.Text;
using MessageDelivery.Hub;

namespace MessageDelivery.Integration.Tests.Support;

/// <summary>Serves what a hub gives it as a test wants it.</summary>
/// <param name="serve">Called for each connection, on the thread pool; what it throws is the test's.</param>
internal sealed class TestHttpServer(Func<HttpConnection, Task> serve) : IHttpServer, IAsyncDisposable
{
    private readonly ConcurrentQueue<Task> _served = new();

    /// <summary>Answers each with the same, once its header has come, and closes.</summary>
    public static TestHttpServer Saying(string text) => new(async connection =>
    {
        await HeadAsync(connection);
        await connection.Stream.WriteAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\n\r\n{text}"));
    });

    /// <summary>Keeps each until the hub says that it ends.</summary>
    public static TestHttpServer Holding() => new(static async connection =>
    {
        await HeadAsync(connection);
        await connection.Stream.WriteAsync("held\n"u8.ToArray());
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var _ = connection.Closing.Register(ended.SetResult);
        await ended.Task;
    });

    /// <summary>Reads up to the empty line; what is behind it is dropped.</summary>
    public static async Task<string> HeadAsync(HttpConnection connection)
    {
        var head = new StringBuilder();
        byte[] buffer = new byte[4_096];
        while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            int read = await connection.Stream.ReadAsync(buffer);
            if (read == 0)
            {
                break;
            }

            head.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }

        return head.ToString();
    }

    public void Serve(HttpConnection connection) => _served.Enqueue(Task.Run(async () =>
    {
        await using (connection)
        {
            await serve(connection);
        }
    }));

    /// <summary>All that was served has ended, and nothing failed but for connections that broke.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await Task.WhenAll(_served).WaitAsync(RawConnection.Patience);
        }
        catch (IOException)
        {
            // The peer had gone.
        }
    }
}
