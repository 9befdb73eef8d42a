using System.Diagnostics;
using System.Net.Sockets;
using System.Threading.Channels;
using MessageDelivery.RawClient;

namespace MessageDelivery.Cli.Attacks;

/// <summary>
/// One connection of an attacker: sends what it is told, and counts and keeps what comes back. The hub may end it at any moment;
/// that is no failure.
/// </summary>
internal sealed class HostileConnection : IAsyncDisposable
{
    private const int SlowReaderBytes = 4_096;

    // For what an attack waits for; in a flood nobody takes the answers, and the oldest go.
    private const int MaxWaitingAnswers = 1_024;

    private readonly WireConnection _wire;
    private readonly AttackTally _tally;
    private readonly long _openedAt = Stopwatch.GetTimestamp();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Channel<Answer> _answers = Channel.CreateBounded<Answer>(
        new BoundedChannelOptions(MaxWaitingAnswers) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
    private readonly CancellationTokenSource _disposed = new();
    private readonly Task _reading;

    private HostileConnection(WireConnection wire, AttackTally tally, bool reads)
    {
        _wire = wire;
        _tally = tally;
        _reading = reads ? ReadAsync(new AnswerReader(Say)) : Task.CompletedTask;
    }

    /// <summary>Of one that is in.</summary>
    public ulong UserId { get; set; }

    /// <summary>Completes when the hub has ended the connection.</summary>
    public Task Ended => _ended.Task;

    public bool HasEnded => _ended.Task.IsCompleted;

    /// <summary>Connects; null if that is refused, or a TLS handshake fails.</summary>
    /// <param name="isTls">Whether to speak TLS; the certificate does not matter.</param>
    /// <param name="reads">Whether to read what comes; who does not is a slow reader with a small buffer.</param>
    public static async Task<HostileConnection?> OpenAsync(
        AttackTarget target, AttackTally tally, bool isTls, bool reads, CancellationToken cancellationToken)
    {
        WireConnection? wire = null;
        try
        {
            wire = await WireConnection.ConnectAsync(
                target.Endpoint, reads ? null : static socket => socket.ReceiveBufferSize = SlowReaderBytes, cancellationToken: cancellationToken);
            if (isTls)
            {
                await wire.SecureAsync(target.TlsOptions, cancellationToken);
            }

            tally.AddOpened();
            return new(wire, tally, reads);
        }
        catch (Exception exception) when (IsTheirs(exception))
        {
            if (!cancellationToken.IsCancellationRequested)
            {
                tally.AddRefused();
            }

            wire?.Dispose();
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
                await _wire.SendAsync(piece, cancellationToken);
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
            return await _answers.Reader.ReadAsync(limit.Token);
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
            && await NextAsync(patience - since.Elapsed, cancellationToken) is { } answer)
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
            await Ended.WaitAsync(time, cancellationToken);
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

        await _disposed.CancelAsync();
        _wire.Reset();
        await _reading;
        _disposed.Dispose();
    }

    private async Task ReadAsync(AnswerReader reader)
    {
        bool isReset = false;
        try
        {
            while (await _wire.ReceiveSomeAsync(cancellationToken: _disposed.Token) is var count and > 0)
            {
                _tally.AddReceived(count);
                reader.Take(_wire.Received);
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
