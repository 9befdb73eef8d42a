using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MessageDelivery.Hub.Linux;
using MessageDelivery.Protocol;

namespace MessageDelivery.Hub.Tests.Running;

/// <summary>A binary user in TLS on a blocking socket, whose own code allocates nothing while it sends and receives.</summary>
internal sealed class TlsPeer : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly SslStream _tls;

    public TlsPeer(EndPoint hub)
    {
        _socket.Connect(hub);
        _socket.Blocking = true;
        _tls = new(new BlockingStream((int)_socket.Handle));
#pragma warning disable CA5359 // Whose certificate it is does not matter here.
        _tls.AuthenticateAsClient(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => true });
#pragma warning restore CA5359
        byte[] hello = new byte[12];
        new FrameHeader(FrameType.Hello, 0, ProtocolLimits.Version, 4).Write(hello);
        "MDS1"u8.CopyTo(hello.AsSpan(8));
        Send(hello);
        byte[] welcome = new byte[24];
        Receive(welcome);
        Assert.Equal(FrameType.Welcome, FrameHeader.Read(welcome).Type);
        Id = BinaryPrimitives.ReadUInt64LittleEndian(welcome.AsSpan(8));
    }

    public ulong Id { get; }

    public static HubTlsOptions Options()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return new() { Mode = HubTlsMode.Optional, Certificates = new(request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1))) };
    }

    public void Send(byte[] bytes) => _tls.Write(bytes, 0, bytes.Length);

    public void Receive(byte[] bytes)
    {
        for (int got = 0; got < bytes.Length;)
        {
            int read = _tls.Read(bytes, got, bytes.Length - got);
            Assert.True(read > 0, "The hub closed the connection.");
            got += read;
        }
    }

    public void Dispose()
    {
        _tls.Dispose();
        _socket.Dispose();
    }

    private sealed unsafe class BlockingStream(int descriptor) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            fixed (byte* start = buffer)
            {
                return (int)Math.Max(0, Libc.Receive(descriptor, start, buffer.Length, 0));
            }
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            while (!buffer.IsEmpty)
            {
                fixed (byte* start = buffer)
                {
                    nint sent = Libc.Send(descriptor, start, buffer.Length, Libc.MsgNoSignal);
                    Assert.True(sent > 0, "The connection broke.");
                    buffer = buffer[(int)sent..];
                }
            }
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
