using MessageDelivery.Hub.Tests.Running;
using MessageDelivery.Hub.Transport.Layers;
using Microsoft.Extensions.Time.Testing;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>Who may still stand in line for a handshake; nobody is served here.</summary>
public sealed class HandshakeLineTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new();
    private readonly HandshakeThreads _threads;
    private readonly TlsHandshake _handshake;

    public HandshakeLineTests()
    {
        _threads = new(count: 0, s_patience, () => (long)(_time.GetUtcNow() - _time.Start).TotalMilliseconds, exception => throw exception);
        var options = TlsPeer.Options();
        _handshake = new(new(options, options.Certificates!), _threads, () => { });
    }

    public void Dispose() => _threads.Dispose();

    [Fact]
    public void The_first_words_of_all_take_so_many_bytes_and_no_more()
    {
        for (int i = 0; i < HandshakeThreads.MaxWaitingBytes >> 20; i++)
        {
            Assert.True(_threads.TryBegin(_handshake, 1 << 20));
        }

        Assert.False(_threads.TryBegin(_handshake, 1));
        Assert.True(_threads.TryGoOn(_handshake));
    }

    [Fact]
    public void Nobody_is_let_in_behind_one_who_has_waited_too_long()
    {
        Assert.True(_threads.TryBegin(_handshake, 500));
        _time.Advance(s_patience);
        Assert.True(_threads.TryBegin(_handshake, 500));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(_threads.TryBegin(_handshake, 500));
        Assert.True(_threads.TryGoOn(_handshake));
    }

    [Fact]
    public void Nobody_is_let_in_when_it_is_over()
    {
        _threads.Dispose();
        Assert.False(_threads.TryBegin(_handshake, 500));
        Assert.False(_threads.TryGoOn(_handshake));
    }
}
