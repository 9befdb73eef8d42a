using System.Net.Security;
using System.Text;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Tests.Running;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>TLS over a pipe within the process: a layer knows nothing of the one below it, and whatever stands on it may send bytes or segments.</summary>
public sealed class StackedLayersTests : ITlsOwner, IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly BlockPool _pool = new(64 << 20);
    private readonly LoopCounters _counters = new();
    private readonly TlsAcceptor _acceptor = new(TlsPeer.Options(), TimeSpan.Zero, () => Environment.TickCount64, exception => throw exception);
    private readonly SemaphoreSlim _moved = new(0);
    private ByteLayer? _top;
    private TlsLayer? _secured;

    public void Dispose()
    {
        _top?.Close();
        _acceptor.Dispose();
        _moved.Dispose();
        Assert.Equal(0, _pool.OutstandingBlocks);
        _pool.Dispose();
    }

    [Fact]
    public async Task What_is_sent_and_received_over_tls_over_memory_is_the_same()
    {
        var memory = MemoryLayer.Create(out var stream);
        memory.Attach(() => _moved.Release(), () => _moved.Release());
        var opening = _acceptor.Create(memory, _pool, this, () => _moved.Release());
        _top = opening;
        using var client = new SslStream(stream);
        var shaking = client.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.Subject == "CN=localhost" });
        while (_secured is null)
        {
            Assert.True(await _moved.WaitAsync(s_patience));
            opening.Receive([], _counters, out _);
            Assert.True(opening.OnPosted(_counters));
        }

        await shaking.WaitAsync(s_patience);
        Assert.Equal(5, _secured.Send("hello"u8, _counters));
        byte[] buffer = new byte[5];
        await client.ReadExactlyAsync(buffer).AsTask().WaitAsync(s_patience);
        Assert.Equal("hello", Encoding.ASCII.GetString(buffer));
        await client.WriteAsync("there"u8.ToArray());
        long received;
        while ((received = _secured.Receive(buffer, _counters, out _)) == ByteLayer.WouldBlock)
        {
            Assert.True(await _moved.WaitAsync(s_patience));
        }

        Assert.Equal("there", Encoding.ASCII.GetString(buffer, 0, (int)received));
    }

    void ITlsOwner.HandshakeRefused(bool forLoad) => throw new InvalidOperationException("The handshake was refused.");

    void ITlsOwner.HandshakeFailed(string why) => throw new InvalidOperationException(why);

    void ITlsOwner.HandshakeDone(TlsLayer secured) => _top = _secured = secured;
}
