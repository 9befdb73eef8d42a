using System.Net.Security;
using MessageDelivery.Hub.Buffers;
using MessageDelivery.Hub.Outbound;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// TLS between a socket and its connection. It holds memory only for the part of a record that has come, and for what the kernel
/// has not taken of what was encrypted. Receiving is for the loop's thread; sending for one thread at a time, which may be another.
/// </summary>
internal sealed unsafe partial class TlsLayer(BlockPool pool, TlsHandshake handshake)
{
    private SslStream? _ssl;
    private bool _saysGoodbye;

    /// <summary>Whether the handshake has succeeded. Any thread: it is set before anything may be sent.</summary>
    public bool IsEstablished => Volatile.Read(ref _ssl) is not null;

    public TlsHandshake Handshake { get; } = handshake;

    /// <summary>Bytes it keeps of what has come and could not be used yet.</summary>
    public int HeldBytes => _held.Length + _plain.Length;

    /// <summary>Whether something encrypted waits for the kernel. While the handshake is under way, or all is sent.</summary>
    public bool HasUnsent => !_unsent.IsEmpty;

    /// <summary>Whether it is done but for its last words, which the kernel has yet to take.</summary>
    public bool IsSayingGoodbye => _saysGoodbye && !_unsent.IsEmpty;

    /// <summary>The handshake has succeeded: what is received and sent from now on is what is inside.</summary>
    public void Establish()
    {
        // What came behind the handshake stands before what has come since.
        var scratch = TlsScratch.Current;
        var rest = Handshake.TakeRest();
        rest.CopyTo(scratch.Input);
        int length = rest.Length + TakeHeld(scratch.Input.AsSpan(rest.Length));
        Hold(scratch.Input.AsSpan(0, length));
        Handshake.Stream.IsEstablished = true;
        Volatile.Write(ref _ssl, Handshake.Ssl);
    }

    /// <summary>
    /// Says that nothing follows (close_notify), once everything was sent. False if the kernel does not take that yet: call again
    /// when it does.
    /// </summary>
    public bool TrySayGoodbye(int socket)
    {
        if (_ssl is null)
        {
            return true;
        }

        if (!_saysGoodbye)
        {
            _saysGoodbye = true;
            var scratch = TlsScratch.Current;
            scratch.ClearOutput();
            try
            {
                _ssl.ShutdownAsync().GetAwaiter().GetResult();
                _unsent.Copy(scratch.Output, QueuedSegment.Uncounted, ref _unsentBlocks);
            }
            catch (Exception error) when (error is IOException or InvalidOperationException)
            {
                // It is broken, and has no words any more.
            }
        }

        return TrySendUnsent(socket, out _) != SendStatus.Blocked;
    }

    /// <summary>Lets go of what was received. The loop's thread.</summary>
    public void LetGoOfInput()
    {
        _held.Block?.Release();
        _plain.Block?.Release();
        _held = _plain = default;
    }

    /// <summary>Lets go of everything, once nobody sends any more.</summary>
    public void Release()
    {
        LetGoOfInput();
        _unsent.Clear();
        _unsentBlocks.LetGo();
        if (_ssl is null)
        {
            Handshake.Dispose();
        }
        else
        {
            _ssl.Dispose();
        }
    }
}
