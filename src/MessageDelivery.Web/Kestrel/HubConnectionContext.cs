using System.IO.Pipelines;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Hub;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace MessageDelivery.Web.Kestrel;

/// <summary>A connection of the hub as Kestrel sees it. Requests find the <see cref="HttpConnection"/> among their features.</summary>
internal sealed class HubConnectionContext : ConnectionContext, IDuplexPipe
{
    private const int BufferBytes = 4_096;
    private static readonly StreamPipeReaderOptions ReaderOptions = new(bufferSize: BufferBytes, minimumReadSize: BufferBytes / 4, leaveOpen: true, useZeroByteReads: true);
    private static readonly StreamPipeWriterOptions WriterOptions = new(minimumBufferSize: BufferBytes, leaveOpen: true);
    private static long s_count;

    private readonly HttpConnection _connection;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenRegistration _closing;
    private readonly Lock _lock = new();
    private Task? _ended;

    public HubConnectionContext(HttpConnection connection)
    {
        _connection = connection;
        Input = PipeReader.Create(connection.Stream, ReaderOptions);
        Output = PipeWriter.Create(connection.Stream, WriterOptions);
        Transport = this;
        ConnectionClosed = _closed.Token;
        Features.Set(connection);
        if (connection.IsEncrypted)
        {
            Features.Set<ITlsConnectionFeature>(Encrypted.Instance);
        }

        _closing = connection.Closing.UnsafeRegister(static state => ((HubConnectionContext)state!).EndSoon(), this);
    }

    public override string ConnectionId { get; set; } = $"hub-{Interlocked.Increment(ref s_count)}";

    public override IFeatureCollection Features { get; } = new FeatureCollection();

    public override IDictionary<object, object?> Items { get; set; } = new ConnectionItems();

    public override IDuplexPipe Transport { get; set; }

    public override EndPoint? LocalEndPoint
    {
        get => _connection.LocalEndPoint;
        set => throw new NotSupportedException();
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _connection.RemoteEndPoint;
        set => throw new NotSupportedException();
    }

    public PipeReader Input { get; }

    public PipeWriter Output { get; }

    /// <summary>Ends the connection now; a read or write that waits fails.</summary>
    public override void Abort(ConnectionAbortedException abortReason) => EndAsync();

    public override async ValueTask DisposeAsync()
    {
        await EndAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Once, whoever asks first; Kestrel awaits it at last.</summary>
    private Task EndAsync()
    {
        lock (_lock)
        {
            return _ended ??= EndCoreAsync();
        }
    }

    private async Task EndCoreAsync()
    {
        await _connection.DisposeAsync().ConfigureAwait(false);
        _closing.Unregister();
        await _closed.CancelAsync().ConfigureAwait(false);
    }

    /// <summary>The answer under way is the last one; a connection without one ends.</summary>
    private void EndSoon() => Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();

    /// <summary>Tells Kestrel that the scheme is https. What the client's certificate says is the hub's business.</summary>
    private sealed class Encrypted : ITlsConnectionFeature
    {
        public static Encrypted Instance { get; } = new();

        public X509Certificate2? ClientCertificate
        {
            get => null;
            set => throw new NotSupportedException();
        }

        public Task<X509Certificate2?> GetClientCertificateAsync(CancellationToken cancellationToken) =>
            Task.FromResult<X509Certificate2?>(null);
    }
}
