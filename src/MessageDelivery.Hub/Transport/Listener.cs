using System.Net;
using System.Net.Sockets;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Hub.Loop;
using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Transport;

/// <summary>
/// A listening socket. Its loop accepts and deals the connections out to all loops in turn. Accepting survives running out
/// of file descriptors: one is kept in reserve, with which pending connections are accepted and closed instead of being left waiting.
/// </summary>
internal sealed unsafe class Listener : LoopEntry, IDisposable
{
    private const int MaxAcceptsPerTurn = 256;

    private readonly Socket _socket;
    private readonly int _sendBufferBytes;
    private readonly KeepAlive _keepAlive;
    private readonly IListenerEvents _events;
    private int _reserve = OpenReserve();
    private LogThrottle _throttle;

    // Whether there may still be connections that had come before the socket had its options, which they have not taken over then.
    private bool _hadWaiting;

    public Listener(EventLoop loop, IPEndPoint endpoint, int backlog, int sendBufferBytes, KeepAlive keepAlive, IListenerEvents events)
        : base(loop)
    {
        _events = events;
        _sendBufferBytes = sendBufferBytes;
        _keepAlive = keepAlive;
        try
        {
            _socket = new(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };

            // Not ReuseAddress: .NET makes that SO_REUSEPORT too, and a second hub would take half of our connections.
            // Without it, .NET still sets SO_REUSEADDR, so that connections in TIME_WAIT do not keep a hub from starting.
            if (endpoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                _socket.DualMode = false;
            }

            SetOptions(Descriptor);
            _socket.Bind(endpoint);
            _socket.Listen(backlog);
        }
        catch
        {
            Close();
            throw;
        }

        Endpoint = (IPEndPoint)_socket.LocalEndPoint!;
    }

    /// <summary>Takes over a socket that listens already.</summary>
    /// <exception cref="ArgumentException">It is no TCP socket that listens.</exception>
    public Listener(EventLoop loop, SafeSocketHandle passed, int sendBufferBytes, KeepAlive keepAlive, IListenerEvents events)
        : base(loop)
    {
        _events = events;
        _sendBufferBytes = sendBufferBytes;
        _keepAlive = keepAlive;
        _hadWaiting = true;
        try
        {
            _socket = new(passed);
            if (_socket is not { SocketType: SocketType.Stream, AddressFamily: AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 }
                || _socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection) is not > 0)
            {
                throw new ArgumentException($"Descriptor {passed.DangerousGetHandle()} was passed to listen on, and is no TCP socket that listens.");
            }

            _socket.Blocking = false;
            SetOptions(Descriptor);
        }
        catch (Exception exception)
        {
            // The socket that was passed is its owner's to close.
            CloseReserve();
            if (exception is not SocketException)
            {
                throw;
            }

            throw new ArgumentException(
                $"Descriptor {passed.DangerousGetHandle()} was passed to listen on, and is no TCP socket that listens: {exception.Message}", exception);
        }

        Endpoint = (IPEndPoint)_socket.LocalEndPoint!;
    }

    /// <summary>Where it listens, with the port it was given.</summary>
    public IPEndPoint Endpoint { get; }

    private int Descriptor => (int)_socket.Handle;

    /// <summary>Begins to accept. Any thread.</summary>
    public void Listen() => Loop.Call(() =>
    {
        if (!Loop.TryAdd(this, Descriptor, Libc.EpollIn))
        {
            throw new InvalidOperationException($"Nobody is accepted on {Endpoint}: its descriptor cannot be watched.");
        }
    });

    /// <summary>Stops accepting. Any thread; completes when it has stopped.</summary>
    public Task StopAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.Call(() =>
        {
            try
            {
                StopHere();
            }
            finally
            {
                done.SetResult();
            }
        });
        return Task.WhenAny(done.Task, Loop.Ended);
    }

    /// <summary>Accepts what is there; epoll calls again while there is more.</summary>
    internal override void OnReady(uint events)
    {
        long now = Loop.Now;
        for (int i = 0; i < MaxAcceptsPerTurn && _events.MayAccept; i++)
        {
            int accepted = Accept(out var peer);
            if (accepted >= 0)
            {
                try
                {
                    if (_hadWaiting)
                    {
                        SetOptions(accepted);
                    }

                    _events.Accepted(new SocketLayer(accepted), peer);
                }
                catch
                {
                    // The others that wait are accepted in the next turn: the listener's events are levels, not edges.
                    Libc.Close(accepted);
                    throw;
                }

                continue;
            }

            switch (Libc.LastError)
            {
                case Libc.ConnectionAborted or Libc.Interrupted:
                    continue;
                case Libc.TooManyFiles or Libc.TooManyFilesInSystem when _events.TryMakeRoom():
                    return;
                case Libc.TooManyFiles or Libc.TooManyFilesInSystem when TurnAway(now):
                    continue;
                case Libc.TryAgain:
                    _hadWaiting = false;
                    return;
                case Libc.TooManyFiles or Libc.TooManyFilesInSystem:
                    return;
                default:
                    Report(now, Libc.LastError);
                    return;
            }
        }
    }

    /// <summary>One connection could not be accepted; the others can.</summary>
    internal override void Fail()
    {
    }

    internal override bool TryClose()
    {
        Dispose();
        return true;
    }

    /// <summary>Closes the socket, if that has not been done. Where the loop runs, it is stopped before.</summary>
    public void Dispose()
    {
        if (Loop.IsStarted)
        {
            StopAsync().Wait();
        }

        Close();
    }

    private void Close()
    {
        _socket?.Dispose();
        CloseReserve();
    }

    private void CloseReserve()
    {
        if (_reserve >= 0)
        {
            Libc.Close(_reserve);
            _reserve = -1;
        }
    }

    private void StopHere()
    {
        if (Tag != 0)
        {
            // A service manager keeps the sockets that it has passed.
            Loop.Unwatch(Descriptor);
            Loop.Remove(this);
            Tag = 0;
        }

        _socket.Dispose();
    }

    private static int OpenReserve()
    {
        fixed (byte* path = "/dev/null\0"u8)
        {
            return Libc.Open(path, Libc.CloseOnExec);
        }
    }

    /// <summary>Sets what sockets take over that are accepted once this one has it (tcp(7)), so that each of them costs no call of its own.</summary>
    private void SetOptions(int socket)
    {
        int value = 1;
        Libc.SetSocketOption(socket, Libc.ProtocolTcp, Libc.TcpNoDelay, &value, sizeof(int));
        _keepAlive.Apply(socket);
        if (_sendBufferBytes > 0)
        {
            // Why it is bounded: docs/adr/0007.
            value = _sendBufferBytes;
            Libc.SetSocketOption(socket, Libc.LevelSocket, Libc.OptionSendBuffer, &value, sizeof(int));
        }
    }

    private int Accept(out PeerAddress peer)
    {
        byte* address = stackalloc byte[PeerAddress.MaxBytes];
        uint length = PeerAddress.MaxBytes;
        int accepted = Libc.Accept(Descriptor, address, &length, Libc.CloseOnExec | Libc.NonBlocking);
        peer = accepted >= 0 ? new(new ReadOnlySpan<byte>(address, PeerAddress.MaxBytes)) : default;
        return accepted;
    }

    /// <summary>Accepts and closes one connection with the descriptor kept for that; false if none was waiting.</summary>
    private bool TurnAway(long now)
    {
        if (_reserve >= 0)
        {
            Libc.Close(_reserve);
        }

        int accepted = Accept(out var peer);
        if (accepted >= 0)
        {
            Libc.Close(accepted);
            _events.TurnedAway(peer);
            Report(now, Libc.TooManyFiles);
        }

        _reserve = OpenReserve();
        return accepted >= 0;
    }

    private void Report(long now, int error)
    {
        if (_throttle.TryPass(now))
        {
            _events.AcceptFailed(Endpoint, error);
        }
    }
}

/// <summary>What a listener tells. Called on its loop's thread.</summary>
internal interface IListenerEvents
{
    /// <summary>Whether one more may be accepted now. If not, pending connections wait.</summary>
    bool MayAccept { get; }

    /// <summary>The process has no file descriptor left. True if one is given back soon: pending connections wait for it.</summary>
    bool TryMakeRoom();

    /// <summary>Somebody has connected; the layer is the callee's now, unless it throws.</summary>
    void Accepted(ByteLayer layer, in PeerAddress peer);

    /// <summary>A connection was closed for want of file descriptors.</summary>
    void TurnedAway(in PeerAddress peer);

    /// <summary>Accepting failed with this error number; told at most once a second.</summary>
    void AcceptFailed(IPEndPoint endpoint, int error);
}
