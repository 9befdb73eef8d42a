using System.Text;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>A pipe within the process in place of a socket: the same bytes, the same backpressure, the same ends.</summary>
public sealed class MemoryLayerTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly LoopCounters _counters = new();
    private readonly MemoryLayer _layer;
    private readonly Stream _stream;
    private readonly SemaphoreSlim _readable = new(0);
    private readonly SemaphoreSlim _writable = new(0);

    public MemoryLayerTests()
    {
        _layer = MemoryLayer.Create(out _stream);
        _layer.Attach(() => _readable.Release(), () => _writable.Release());
    }

    public void Dispose()
    {
        _stream.Dispose();
        _layer.Close();
        _readable.Dispose();
        _writable.Dispose();
    }

    [Fact]
    public async Task What_the_other_end_writes_is_received_and_told_when_nothing_was_there()
    {
        byte[] buffer = new byte[16];
        Assert.Equal(ByteLayer.WouldBlock, _layer.Receive(buffer, _counters, out bool more));
        Assert.False(more);
        await _stream.WriteAsync("hello"u8.ToArray());
        Assert.True(await _readable.WaitAsync(s_patience));
        Assert.Equal(2, _layer.Peek(buffer.AsSpan(0, 2)));
        Assert.Equal("he", Encoding.ASCII.GetString(buffer, 0, 2));
        Assert.Equal(1, _layer.Drop(1));
        Assert.Equal(3, _layer.Receive(buffer.AsSpan(0, 3), _counters, out more));
        Assert.Equal("ell", Encoding.ASCII.GetString(buffer, 0, 3));
        Assert.True(more);
        Assert.Equal(1, _layer.Receive(buffer, _counters, out more));
        Assert.False(more);
        Assert.Equal(4, _counters.BytesReceived);
        await _stream.WriteAsync("!"u8.ToArray());
        Assert.True(await _readable.WaitAsync(s_patience));
        Assert.Equal(1, _layer.Receive(buffer, _counters, out _));
    }

    [Fact]
    public async Task Who_sends_more_than_the_other_end_takes_is_kept_waiting()
    {
        byte[] bytes = new byte[4 * MemoryLayer.CapacityBytes];
        Random.Shared.NextBytes(bytes);
        long sent = _layer.Send(bytes, _counters);
        Assert.InRange(sent, MemoryLayer.CapacityBytes, 2 * MemoryLayer.CapacityBytes);
        Assert.Equal(0, _layer.Send(bytes.AsSpan((int)sent), _counters));
        Assert.Equal(sent, _layer.UnacknowledgedBytes);
        byte[] received = new byte[bytes.Length];
        await _stream.ReadExactlyAsync(received.AsMemory(0, (int)sent));
        Assert.True(await _writable.WaitAsync(s_patience));
        Assert.Equal(0, _layer.UnacknowledgedBytes);
        Assert.True(_layer.Send(bytes.AsSpan((int)sent, 100), _counters) == 100);
        await _stream.ReadExactlyAsync(received.AsMemory((int)sent, 100));
        Assert.True(bytes.AsSpan(0, (int)sent + 100).SequenceEqual(received.AsSpan(0, (int)sent + 100)));

        var writing = _stream.WriteAsync(bytes).AsTask();
        await Task.Delay(50);
        Assert.False(writing.IsCompleted);
        byte[] buffer = new byte[MemoryLayer.CapacityBytes];
        for (long left = bytes.Length; left > 0;)
        {
            long got = _layer.Receive(buffer, _counters, out _);
            left -= Math.Max(got, 0);
            if (got < 0)
            {
                Assert.True(await _readable.WaitAsync(s_patience));
            }
        }

        await writing.WaitAsync(s_patience);
    }

    [Fact]
    public async Task An_end_is_an_end_and_a_reset_is_an_error()
    {
        _layer.Send("last words"u8, _counters);
        Assert.True(_layer.TryFinish(_counters));
        byte[] buffer = new byte[32];
        Assert.Equal(10, await _stream.ReadAtLeastAsync(buffer, 32, throwOnEndOfStream: false));
        await _stream.WriteAsync("still heard"u8.ToArray());
        Assert.Equal(11, _layer.Receive(buffer, _counters, out _));
        _layer.ResetOnClose();
        _layer.Close();
        await Assert.ThrowsAsync<IOException>(async () => await _stream.ReadExactlyAsync(buffer));
        await Assert.ThrowsAsync<IOException>(async () => await _stream.WriteAsync(buffer));
    }

    [Fact]
    public void Who_disposes_of_the_stream_is_gone()
    {
        _stream.Dispose();
        byte[] buffer = new byte[16];
        Assert.Equal(0, _layer.Receive(buffer, _counters, out _));
        Assert.Contains(ByteLayer.Broken, new[] { _layer.Send("x"u8, _counters), _layer.Send("y"u8, _counters) });
    }

    /// <summary>As with an edge of epoll's: who has looked and left what was there learns that there is more.</summary>
    [Fact]
    public async Task What_comes_behind_bytes_that_were_only_looked_at_is_told()
    {
        byte[] buffer = new byte[16];
        await _stream.WriteAsync("he"u8.ToArray());
        Assert.Equal(2, _layer.Peek(buffer));
        Forget(_readable);
        await _stream.WriteAsync("llo"u8.ToArray());
        Assert.True(await _readable.WaitAsync(s_patience));
        Assert.Equal(5, _layer.Peek(buffer));
        Assert.Equal(5, _layer.Receive(buffer, _counters, out _));
    }

    [Fact]
    public async Task Who_attaches_later_is_told_from_then_on()
    {
        var readable = new TaskCompletionSource();
        var writable = new TaskCompletionSource();
        byte[] bytes = new byte[2 * MemoryLayer.CapacityBytes];
        Assert.Equal(ByteLayer.WouldBlock, _layer.Receive(bytes, _counters, out _));
        long sent = _layer.Send(bytes, _counters);
        _layer.Attach(() => readable.TrySetResult(), () => writable.TrySetResult());
        await _stream.WriteAsync("x"u8.ToArray());
        await readable.Task.WaitAsync(s_patience);
        await _stream.ReadExactlyAsync(bytes.AsMemory(0, (int)sent));
        await writable.Task.WaitAsync(s_patience);
    }

    [Fact]
    public void An_end_is_not_told_to_have_something_behind_it()
    {
        byte[] buffer = new byte[16];
        _stream.Write("last"u8);
        _stream.Dispose();
        Assert.Equal(4, _layer.Receive(buffer, _counters, out bool more));
        Assert.True(more);
        Assert.Equal(0, _layer.Receive(buffer, _counters, out more));
        Assert.False(more);
    }

    [Fact]
    public async Task Disposing_of_the_stream_ends_a_read_that_waits()
    {
        byte[] buffer = new byte[16];
        var reading = _stream.ReadAsync(buffer).AsTask();
        await Assert.ThrowsAsync<InvalidOperationException>(() => _stream.ReadAsync(buffer).AsTask());
        _stream.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WaitAsync(s_patience));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _stream.ReadAsync(buffer).AsTask());
        _stream.Dispose();
    }

    /// <summary>What a read copies from must not be in somebody else's hands meanwhile.</summary>
    [Fact]
    public async Task Disposing_of_the_stream_while_it_is_read_and_written()
    {
        for (int i = 0; i < 500; i++)
        {
            var layer = MemoryLayer.Create(out var stream);
            layer.Send(new byte[MemoryLayer.CapacityBytes], _counters);
            var reading = Task.Run(async () =>
            {
                for (byte[] buffer = new byte[1_000]; ;)
                {
                    Assert.NotEqual(0, await stream.ReadAsync(buffer));
                    Assert.Equal(-1, buffer.AsSpan().IndexOfAnyExcept((byte)0));
                }
            });
            var writing = Task.Run(async () => await stream.WriteAsync(new byte[MemoryLayer.CapacityBytes * 2]));
            var disposing = Task.Run(stream.Dispose);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WaitAsync(s_patience));
            await disposing.WaitAsync(s_patience);
            layer.Close();
            await Assert.ThrowsAnyAsync<Exception>(() => writing.WaitAsync(s_patience));
        }
    }

    /// <summary>A connection over it: a protocol that echoes, with more than fits into both directions.</summary>
    [Fact]
    public async Task A_connection_speaks_over_it_as_over_a_socket()
    {
        using var running = new RunningHost();
        using var stream = running.Connect(connection => new Echoing(connection));
        byte[] bytes = new byte[1 << 20];
        Random.Shared.NextBytes(bytes);
        var writing = stream.WriteAsync(bytes).AsTask();
        byte[] echoed = new byte[bytes.Length];
        await stream.ReadExactlyAsync(echoed).AsTask().WaitAsync(s_patience);
        await writing.WaitAsync(s_patience);
        Assert.True(bytes.AsSpan().SequenceEqual(echoed));
        stream.Dispose();
        await running.StopAsync();
    }

    [Fact]
    public async Task A_connection_ends_when_the_stream_is_disposed_of()
    {
        using var running = new RunningHost();
        var stream = running.Connect(connection => new Echoing(connection));
        await stream.WriteAsync("one"u8.ToArray());
        await stream.ReadExactlyAsync(new byte[3]);
        stream.Dispose();
        await running.Place.Released.WaitAsync(s_patience);
        await running.StopAsync();
    }

    [Fact]
    public async Task Who_comes_when_the_loop_has_ended_is_told_so()
    {
        using var running = new RunningHost();
        await running.StopAsync();
        using var stream = running.Connect(connection => new Echoing(connection));
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(s_patience));
        Assert.Equal(1, running.Place.Left);
    }

    [Fact]
    public async Task A_hub_that_stops_says_goodbye_and_ends_it()
    {
        using var running = new RunningHost();
        using var stream = running.Connect(connection => new Echoing(connection));
        await stream.WriteAsync("one"u8.ToArray());
        byte[] buffer = new byte[16];
        await stream.ReadExactlyAsync(buffer.AsMemory(0, 3));
        var stopping = running.StopAsync();
        Assert.Equal(3, await stream.ReadAtLeastAsync(buffer, 16, throwOnEndOfStream: false).AsTask().WaitAsync(s_patience));
        Assert.Equal("bye", Encoding.ASCII.GetString(buffer, 0, 3));
        stream.Dispose();
        await stopping;
    }

    private static void Forget(SemaphoreSlim told)
    {
        while (told.Wait(0))
        {
        }
    }

    private sealed class RunningHost : ILoopEvents, IDisposable
    {
        private readonly BlockPool _pool = new(64 << 20);
        private readonly EventLoop _loop;
        private readonly ConnectionHost _host;

        public RunningHost()
        {
            _loop = new(0, _pool, TimeProvider.System, this);
            _host = new(_loop, new(64 << 20, 10_000, 10_000));
            _loop.Start();
        }

        public CountedSlot Place { get; } = new();

        public Stream Connect(Func<Connection, IProtocol> converse)
        {
            _host.Adopt(MemoryLayer.Create(out var stream), Place, default, (connection, _) => converse(connection));
            return stream;
        }

        public async Task StopAsync()
        {
            _loop.Call(_host.ShutDown);
            await _loop.Ended.WaitAsync(s_patience);
            Assert.Equal(0, _pool.OutstandingBlocks);
            Assert.Equal(0, _loop.Counters.Connections);
        }

        public void ConnectionFailed(Exception exception) => throw exception;

        public void LoopFailed(Exception exception) => throw exception;

        public void Dispose()
        {
            _loop.Dispose();
            _pool.Dispose();
        }
    }

    private sealed class CountedSlot : IConnectionSlot
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left;

        public int Left => Volatile.Read(ref _left);

        /// <summary>Completes when it was given back.</summary>
        public Task Released => _released.Task;

        public void Yield(Connection connection, bool isAllSent)
        {
        }

        public void Release()
        {
            Interlocked.Increment(ref _left);
            _released.TrySetResult();
        }
    }

    private sealed class Echoing(Connection connection) : IProtocol
    {
        public long Deadline => long.MaxValue;

        public void OnDeadline()
        {
        }

        public int Consume(in Segment input)
        {
            connection.Send(input.Length == 0 ? [] : input.Span);
            return input.Length;
        }

        public int RequestBytes(ReadOnlySpan<byte> front, bool isReceived) => 0;

        public void Resumed()
        {
        }

        public void End(CloseReason reason) => connection.Close(reason, "bye"u8);

        public void Closed(CloseReason reason)
        {
        }
    }
}
