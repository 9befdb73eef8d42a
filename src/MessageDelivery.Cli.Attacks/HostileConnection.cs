using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Threading.Channels;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// One connection of an attacker: sends what it is told, and counts and keeps what comes back. The hub may end it at any moment;
/// that is no failure.
/// </summary>
internal sealed class HostileConnection : IAsyncDisposable
{
    private const int ReadBytes = 65_536;

    // For what an attack waits for; in a flood nobody takes the answers, and the oldest go.
    private const int MaxWaitingAnswers = 1_024;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly AttackTally _tally;
    private readonly long _openedAt = Stopwatch.GetTimestamp();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<Answer> _answers = Channel.CreateBounded<Answer>(
        new BoundedChannelOptions(MaxWaitingAnswers) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly CancellationTokenSource _disposed = new();
    private readonly Task _reading;

    private HostileConnection(Socket socket, Stream stream, AttackTally tally, bool reads, bool keepsBodies)
    {
        _socket = socket;
        _stream = stream;
        _tally = tally;
        _reading = reads ? ReadAsync(new AnswerReader(Say, keepsBodies)) : Task.CompletedTask;
    }

    /// <summary>Completes when the hub has ended the connection.</summary>
    public Task Ended => _ended.Task;

    public bool HasEnded => _ended.Task.IsCompleted;

    /// <summary>Connects; null if that is refused, or a TLS handshake fails.</summary>
    /// <param name="isTls">Whether to speak TLS; the certificate does not matter.</param>
    /// <param name="reads">Whether to read what comes; who does not is a slow reader with a small buffer.</param>
    /// <param name="keepsBodies">Whether long payloads are wanted in answers.</param>
    public static async Task<HostileConnection?> OpenAsync(
        AttackTarget target, AttackTally tally, bool isTls, bool reads, bool keepsBodies, CancellationToken cancellationToken)
    {
        var socket = new Socket(target.Endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        Stream? stream = null;
        try
        {
            if (!reads)
            {
                socket.ReceiveBufferSize = 4_096;
            }

            await socket.ConnectAsync(target.Endpoint, cancellationToken).ConfigureAwait(false);
            stream = new NetworkStream(socket, ownsSocket: true);
            if (isTls)
            {
                var tls = new SslStream(stream);
                stream = tls;
                await tls.AuthenticateAsClientAsync(target.TlsOptions, cancellationToken).ConfigureAwait(false);
            }

            tally.AddOpened();
            return new(socket, stream, tally, reads, keepsBodies);
        }
        catch (Exception exception) when (IsTheirs(exception))
        {
            if (!cancellationToken.IsCancellationRequested)
            {
                tally.AddRefused();
            }

            if (stream is not null)
            {
                await stream.DisposeAsync().ConfigureAwait(false);
            }

            socket.Dispose();
            return null;
        }
    }

    /// <summary>Sends; false if the connection has ended, or the time is over before the hub took it.</summary>
    public async Task<bool> SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        const int Piece = 65_536;
        try
        {
            while (!bytes.IsEmpty)
            {
                var piece = bytes[..Math.Min(Piece, bytes.Length)];
                await _stream.WriteAsync(piece, cancellationToken).ConfigureAwait(false);
                _tally.AddSent(piece.Length);
                bytes = bytes[piece.Length..];
            }

            return true;
        }
        catch (Exception exception) when (IsTheirs(exception))
        {
            if (!cancellationToken.IsCancellationRequested)
            {
                End(IsReset(exception));
            }

            return false;
        }
    }

    /// <summary>The next answer; null if the connection ends or the time is over before one comes.</summary>
    public async Task<Answer?> NextAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            return await _answers.Reader.ReadAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is OperationCanceledException or ChannelClosedException)
        {
            return null;
        }
    }

    /// <summary>Passes over answers until one has a name that begins so; null if none comes.</summary>
    public async Task<Answer?> WaitForAsync(string name, TimeSpan patience, CancellationToken cancellationToken)
    {
        var since = Stopwatch.StartNew();
        while (since.Elapsed < patience
            && await NextAsync(patience - since.Elapsed, cancellationToken).ConfigureAwait(false) is { } answer)
        {
            if (answer.Name.StartsWith(name, StringComparison.Ordinal))
            {
                return answer;
            }
        }

        return null;
    }

    /// <summary>Whether the hub ends the connection within a time.</summary>
    public async Task<bool> EndsWithinAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        try
        {
            await Ended.WaitAsync(time, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Resets the connection, if it still stands.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ended.TrySetResult())
        {
            _tally.AddLeftOpen();
        }

        await _disposed.CancelAsync().ConfigureAwait(false);
        try
        {
            // No port is to wait for minutes behind each of thousands of connections.
            _socket.LingerState = new(true, 0);
        }
        catch (Exception exception) when (IsTheirs(exception))
        {
            // It has gone.
        }

        _socket.Dispose();
        await _reading.ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        _disposed.Dispose();
    }

    private async Task ReadAsync(AnswerReader reader)
    {
        byte[] buffer = new byte[ReadBytes];
        bool isReset = false;
        try
        {
            while (await _stream.ReadAsync(buffer, _disposed.Token).ConfigureAwait(false) is var count and > 0)
            {
                _tally.AddReceived(count);
                reader.Take(buffer.AsSpan(0, count));
            }
        }
        catch (Exception exception) when (IsTheirs(exception))
        {
            isReset = IsReset(exception);
        }

        _answers.Writer.TryComplete();
        End(isReset);
    }

    private void Say(Answer answer)
    {
        _tally.AddAnswer(answer.Name);
        _answers.Writer.TryWrite(answer);
    }

    private void End(bool isReset)
    {
        if (_ended.TrySetResult())
        {
            _tally.AddEnd(isReset, Stopwatch.GetElapsedTime(_openedAt));
        }
    }

    /// <summary>What may become of a connection that another ends, or that the time is over for.</summary>
    public static bool IsTheirs(Exception exception) => exception
        is IOException or SocketException or ObjectDisposedException or OperationCanceledException
        or System.Security.Authentication.AuthenticationException;

    private static bool IsReset(Exception exception) =>
        (exception as SocketException ?? exception.InnerException as SocketException)?.SocketErrorCode
            is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown;
}
