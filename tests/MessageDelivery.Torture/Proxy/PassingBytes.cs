using System.Diagnostics;
using System.Net.Sockets;

namespace MessageDelivery.Torture.Proxy;

/// <summary>One direction of a connection: what comes from one socket goes to the other, as the faults of the moment let it.</summary>
/// <param name="alter">Changes whole frames on their way; null leaves them alone.</param>
internal sealed class PassingBytes(Socket source, Socket target, Random random, Func<ReadOnlyMemory<byte>, ReadOnlyMemory<byte>>? alter)
{
    private const int BufferBytes = 64 << 10;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly FrameCursor _cursor = new();
    private readonly TaskCompletionSource _halted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _stalledUntil;
    private long _delayedUntil;
    private long _splitUntil;
    private TimeSpan _latency;
    private int _trickling;
    private volatile bool _haltsWithinFrame;
    private volatile bool _discards;
    private volatile bool _keepsTarget;

    /// <summary>Completes when nothing passes any more and a frame is under way.</summary>
    public Task Halted => _halted.Task;

    public void Stall(TimeSpan length) => Volatile.Write(ref _stalledUntil, After(length));

    public void Delay(TimeSpan latency, TimeSpan length)
    {
        _latency = latency;
        Volatile.Write(ref _delayedUntil, After(length));
    }

    public void Split(TimeSpan length) => Volatile.Write(ref _splitUntil, After(length));

    public void Trickle(int bytes) => Volatile.Write(ref _trickling, bytes);

    public void HaltWithinFrame() => _haltsWithinFrame = true;

    public void Discard() => _discards = true;

    /// <summary>The end of the source is not the target's.</summary>
    public void KeepTargetOpen() => _keepsTarget = true;

    /// <summary>Runs until either side ends; then the other's sending side is shut down.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                int count = await source.ReceiveAsync(_buffer, cancellationToken);
                if (count == 0)
                {
                    break;
                }

                if (!_discards)
                {
                    ReadOnlyMemory<byte> bytes = _buffer.AsMemory(0, count);
                    await PassAsync(alter is null ? bytes : alter(bytes), cancellationToken);
                }
            }

            if (!_keepsTarget)
            {
                target.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            if (!_keepsTarget)
            {
                // A reset on one side is one on the other: neither may take it for a proper end.
                Close(target);
            }
        }
    }

    private static void Close(Socket socket)
    {
        try
        {
            socket.LingerState = new(true, 0);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // It is closed already.
        }

        socket.Close();
    }

    private static long After(TimeSpan length) => Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency);

    private async ValueTask PassAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (IsBefore(ref _delayedUntil))
        {
            await Task.Delay(_latency, cancellationToken);
        }

        while (bytes.Length > 0)
        {
            while (IsBefore(ref _stalledUntil))
            {
                await Task.Delay(10, cancellationToken);
            }

            if (_haltsWithinFrame && (_cursor.IsWithinFrame || bytes.Length > 1))
            {
                await SendAsync(bytes[..(_cursor.IsWithinFrame ? 0 : 1)], cancellationToken);
                _halted.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            int count = bytes.Length;
            if (Volatile.Read(ref _trickling) is > 0 and var trickling)
            {
                count = Math.Min(count, random.Next(1, 8));
                Volatile.Write(ref _trickling, trickling - count);
                await Task.Delay(1, cancellationToken);
            }
            else if (IsBefore(ref _splitUntil))
            {
                count = random.Next(1, count + 1);
                await Task.Yield();
            }

            await SendAsync(bytes[..count], cancellationToken);
            bytes = bytes[count..];
        }
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _cursor.Advance(bytes.Span);
        while (bytes.Length > 0)
        {
            bytes = bytes[await target.SendAsync(bytes, cancellationToken)..];
        }
    }

    private static bool IsBefore(ref long time) => Volatile.Read(ref time) is > 0 and var until && Stopwatch.GetTimestamp() < until;
}
