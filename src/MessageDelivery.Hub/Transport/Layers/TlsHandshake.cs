using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>
/// A handshake under way. The loop gives it whole records and sends what it says; everything else, and all of the arithmetic, is done on
/// the threads of <see cref="HandshakeThreads"/>, a step for each time records have come.
/// </summary>
internal sealed class TlsHandshake : IDisposable
{
    /// <summary>The most bytes of a client's side of a handshake: a long chain of certificates has room.</summary>
    public const int MaxInputBytes = 64 << 10;

    /// <summary>Bytes that may wait for the next step: who has done its part may send what is inside at once.</summary>
    public const int MaxWaitingBytes = 32 << 10;

    private readonly Lock _gate = new();
    private readonly TlsTerms _terms;
    private readonly HandshakeThreads _threads;
    private readonly Action _progressed;
    private byte[] _input = [];
    private int _read;
    private int _received;
    private int _taken;
    private bool _isBegun;
    private bool _hasStepped;
    private bool _tellsOfRoom;
    private byte[] _output = [];
    private Memory<byte> _destination;
    private SslStream? _ssl;
    private bool _isWaiting;
    private bool _isQueued;
    private bool _isStepping;
    private bool _hasProgressed;
    private bool _isAbandoned;
    private bool _hasEnded;
    private bool? _isResumed;
    private volatile TlsOutcome _outcome;

    /// <param name="progressed">Called, on any thread, when there is something to send or the outcome is known.</param>
    public TlsHandshake(TlsTerms terms, HandshakeThreads threads, Action progressed)
    {
        _terms = terms;
        _threads = threads;
        _progressed = progressed;
        Stream = new(this);
    }

    public RecordStream Stream { get; }

    public TlsOutcome Outcome => _outcome;

    /// <summary>Whether it goes on with a session of an earlier connection, and so has cost no signature.</summary>
    public bool IsResumed => _isResumed == true;

    /// <summary>Why it failed, for the log.</summary>
    public string Failure { get; private set; } = "";

    /// <summary>What the client has shown, once the handshake has succeeded.</summary>
    public PeerCertificate Peer { get; private set; }

    /// <summary>The stream to go on with, once it has succeeded; the caller's from then on.</summary>
    public SslStream Ssl => _ssl!;

    /// <summary>Whether no more is to be received for now; the loop is told when there is room.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                // Who stands in line for its first step waits with what it came with, which is counted there.
                return _tellsOfRoom = _received - _read >= MaxWaitingBytes || (_isBegun && !_hasStepped);
            }
        }
    }

    /// <summary>Takes whole records. False if there are too many handshakes.</summary>
    public bool TryFeed(ReadOnlySpan<byte> records)
    {
        bool isFirst;
        lock (_gate)
        {
            isFirst = !_isBegun;
            _isBegun = true;
            if (_input.Length - _received < records.Length)
            {
                byte[] larger = new byte[_received - _read + records.Length];
                _input.AsSpan(_read.._received).CopyTo(larger);
                (_input, _received, _read) = (larger, _received - _read, 0);
            }

            records.CopyTo(_input.AsSpan(_received));
            _received += records.Length;
            if (_isQueued)
            {
                return true;
            }

            _isQueued = true;
        }

        return isFirst ? _threads.TryBegin(this, records.Length) : _threads.TryGoOn(this);
    }

    /// <summary>
    /// Nothing more will come. It may have all it needs, with the end of what is inside behind it. False if it has nothing yet.
    /// </summary>
    public bool TryEnd()
    {
        lock (_gate)
        {
            if (!_isBegun)
            {
                return false;
            }

            _hasEnded = true;
            if (_isQueued)
            {
                return true;
            }

            _isQueued = true;
        }

        return _threads.TryGoOn(this);
    }

    /// <summary>What is to be sent; taken once.</summary>
    public byte[] TakeOutput()
    {
        lock (_gate)
        {
            byte[] output = _output;
            _output = [];
            return output;
        }
    }

    /// <summary>Records that came behind the handshake; taken once, when it is over.</summary>
    public ReadOnlySpan<byte> TakeRest()
    {
        lock (_gate)
        {
            var rest = _input.AsSpan(_read.._received);
            _input = [];
            _read = _received = 0;
            return rest;
        }
    }

    /// <summary>Nobody wants the outcome any more. Any thread, but not once the stream was taken over.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isAbandoned = true;
            if (_isQueued)
            {
                return;
            }

            _isQueued = true;
        }

        if (!_threads.TryGoOn(this))
        {
            Step();
        }
    }

    /// <summary>Goes as far as what has come allows; whether the loop is to be told. A handshake thread.</summary>
    internal bool Step()
    {
        lock (_gate)
        {
            _isStepping = true;
        }

        if (_ssl is null && !_isAbandoned)
        {
            _ssl = new SslStream(Stream, leaveInnerStreamOpen: true);
            _ = RunAsync(_ssl);
        }

        while (StepOn())
        {
        }

        lock (_gate)
        {
            _isStepping = false;
            return _hasProgressed && !_isAbandoned;
        }
    }

    /// <summary>Tells the loop that there is something to send, or room, or that the outcome is known.</summary>
    internal void Tell()
    {
        lock (_gate)
        {
            _hasProgressed = false;
        }

        _progressed();
    }

    /// <summary>Wakes who waits for what has come; false if nobody does, or nothing has.</summary>
    private bool StepOn()
    {
        int read = 0;
        bool isAbandoned;
        bool isOver;
        bool tells = false;
        lock (_gate)
        {
            isAbandoned = _isAbandoned;
            isOver = !_isWaiting || (!isAbandoned && !TryTake(_destination.Span, out read));
            if (isOver)
            {
                _isQueued = false;
                _hasStepped = true;
                tells = _tellsOfRoom;
                _tellsOfRoom = false;
                if (isAbandoned && _outcome != TlsOutcome.UnderWay)
                {
                    _ssl?.Dispose();
                }
            }
            else
            {
                _isWaiting = false;
                _destination = default;
            }
        }

        if (isOver)
        {
            if (tells)
            {
                Progressed();
            }

            return false;
        }

        if (isAbandoned)
        {
            Stream.Abandoned();
        }
        else
        {
            Stream.Arrived(read);
        }

        return true;
    }

    /// <summary>Reads what has come; if that is nothing, the reader is told by <see cref="RecordStream.Arrived"/>.</summary>
    internal bool TryRead(Memory<byte> destination, out int read)
    {
        lock (_gate)
        {
            if (!_isAbandoned && TryTake(destination.Span, out read))
            {
                return true;
            }

            read = 0;
            _isWaiting = true;
            _destination = destination;
            return false;
        }
    }

    internal void Write(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            _output = [.. _output, .. bytes];
            _isResumed ??= TlsAnswer.Resumes(bytes);
        }

        Progressed();
    }

    /// <summary>The loop has something to do. Within a step it is told at the end, perhaps together with others.</summary>
    private void Progressed()
    {
        lock (_gate)
        {
            _hasProgressed = true;
            if (_isStepping)
            {
                return;
            }
        }

        Tell();
    }

    private bool TryTake(Span<byte> destination, out int read)
    {
        if (_taken >= MaxInputBytes)
        {
            // To the reader it ends here.
            read = 0;
            return true;
        }

        var rest = _input.AsSpan(_read.._received);
        int record = TlsRecord.Length(rest);
        read = Math.Min(destination.Length, record > 0 ? Math.Min(record, rest.Length) : rest.Length);
        rest[..read].CopyTo(destination);
        _read += read;
        _taken += read;
        // A reader may ask with no room at all, to be told when there is something.
        return !rest.IsEmpty || _hasEnded;
    }

    private bool Look(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null)
        {
            Peer = new(null, _terms.ClientCertificates == HubClientCertificates.Required ? "this hub wants a certificate, and none was shown" : null);
        }
        else if (errors == SslPolicyErrors.None)
        {
            Peer = new(certificate.Subject, null);
            if (chain is not null)
            {
                ClientIntermediates.OfProcess.Remember(chain);
            }
        }
        else
        {
            var problems = chain?.ChainStatus.Select(status => status.StatusInformation.Trim()).Distinct() ?? [];
            Peer = new(null, $"the certificate of {certificate.Subject} does not hold: {string.Join("; ", problems)}") { IsShown = true };
        }

        // Whoever is not let in is told so inside, in words: an alert has none, and in TLS 1.3 none would be sent.
        return true;
    }

    private async Task RunAsync(SslStream ssl)
    {
        var outcome = TlsOutcome.Failed;
        try
        {
            await ssl.AuthenticateAsServerAsync(_terms.For(Look), CancellationToken.None).ConfigureAwait(false);
            outcome = TlsOutcome.Succeeded;
        }
        catch (Exception error) when (error is AuthenticationException or IOException or InvalidOperationException or NotSupportedException)
        {
            Failure = error.InnerException is { Message: var inner } ? $"{error.Message} {inner}" : error.Message;
        }
        catch (Exception error)
        {
            Failure = error.ToString();
        }

        lock (_gate)
        {
            _outcome = outcome;
        }

        Progressed();
    }
}

/// <summary>Who a peer is by its certificate.</summary>
/// <param name="Subject">The subject of one that holds; null if there is none.</param>
/// <param name="Objection">Why the peer is not to be let in; null if it is.</param>
internal readonly record struct PeerCertificate(string? Subject, string? Objection)
{
    /// <summary>Whether it has shown one that does not hold.</summary>
    public bool IsShown { get; init; }
}

/// <summary>What has become of a handshake.</summary>
internal enum TlsOutcome
{
    UnderWay,
    Succeeded,
    Failed,
}
