using System.Buffers;

namespace MessageDelivery.Hub.Transport.Layers;

/// <summary>Room that a loop's thread works in while it decrypts or encrypts; empty between two calls.</summary>
internal sealed unsafe class TlsScratch
{
    /// <summary>Records of one send: encrypted together, so that they leave in one system call.</summary>
    public const int RecordsPerSend = 4;

    public const int InputBytes = 128 << 10;

    // A key update may stand in front of a record.
    private const int OutputBytes = (RecordsPerSend * (TlsRecord.MaxBytes + 64)) + 1024;

    [ThreadStatic]
    private static TlsScratch? s_current;

    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(OutputBytes, pinned: true);

    /// <summary>The calling thread's.</summary>
    public static TlsScratch Current => s_current ??= new();

    /// <summary>What was received, still encrypted. It does not move.</summary>
    public byte[] Input { get; } = GC.AllocateUninitializedArray<byte>(InputBytes, pinned: true);

    /// <summary>One record's plain bytes, on either way.</summary>
    public byte[] Plain { get; } = GC.AllocateUninitializedArray<byte>(TlsRecord.MaxPlainBytes, pinned: true);

    /// <summary>Lets message memory be given to those who want a <see cref="Memory{T}"/>.</summary>
    public MemoryWindow Window { get; } = new();

    public int OutputLength { get; private set; }

    public bool HasRoomForRecord => _output.Length - OutputLength >= TlsRecord.MaxBytes + 64;

    public ReadOnlySpan<byte> Output => _output.AsSpan(0, OutputLength);

    public void Write(ReadOnlySpan<byte> encrypted)
    {
        encrypted.CopyTo(_output.AsSpan(OutputLength));
        OutputLength += encrypted.Length;
    }

    public void ClearOutput() => OutputLength = 0;
}

/// <summary>Memory outside the garbage-collected heap, wherever it is pointed to.</summary>
internal sealed unsafe class MemoryWindow : MemoryManager<byte>
{
    private byte* _start;
    private int _length;

    /// <summary>Valid until the next call.</summary>
    public Memory<byte> Over(byte* start, int length)
    {
        _start = start;
        _length = length;
        return CreateMemory(length);
    }

    public override Span<byte> GetSpan() => new(_start, _length);

    public override MemoryHandle Pin(int elementIndex = 0) => new(_start + elementIndex);

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
    }
}
