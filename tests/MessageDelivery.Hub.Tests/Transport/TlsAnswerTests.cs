using MessageDelivery.Hub.Transport.Layers;

namespace MessageDelivery.Hub.Tests.Transport;

/// <summary>What the beginning of a server's side of a handshake says of whether a session of before goes on.</summary>
public sealed class TlsAnswerTests
{
    private const byte HandshakeType = 22, ChangeCipherSpec = 20;
    private static readonly byte[] s_version13 = [0, 43, 0, 2, 3, 4];
    private static readonly byte[] s_keyShare = [0, 51, 0, 4, 0, 29, 0, 0];
    private static readonly byte[] s_sharedKey = [0, 41, 0, 2, 0, 0];
    private static readonly byte[] s_certificate = [11, 0, 0, 3, 0, 0, 0];
    private static readonly byte[] s_ticket = [4, 0, 0, 6, 0, 0, 0, 0, 0, 0];

    public static TheoryData<string, byte[], bool?> Answers => new()
    {
        { "1.3, full", Record(HandshakeType, ServerHello([s_version13, s_keyShare])), false },
        { "1.3, resumed", Record(HandshakeType, ServerHello([s_keyShare, s_sharedKey, s_version13])), true },
        { "1.3, asks again", Record(HandshakeType, ServerHello([s_version13], Convert.FromHexString("CF21AD74E59A6111BE1D8C021E65B891C2A211167ABB8C5E079E09E2C8A8339C"))), null },
        { "1.2, full", [.. Record(HandshakeType, ServerHello([])), .. Record(HandshakeType, s_certificate)], false },
        { "1.2, full, in one record", Record(HandshakeType, [.. ServerHello([]), .. s_certificate]), false },
        { "1.2, resumed, and another ticket", [.. Record(HandshakeType, ServerHello([])), .. Record(HandshakeType, s_ticket)], true },
        { "1.2, resumed", [.. Record(HandshakeType, ServerHello([])), .. Record(ChangeCipherSpec, [1])], true },
        { "an alert", Record(21, [2, 40]), null },
        { "something else of a handshake", Record(HandshakeType, s_ticket), null },
        { "a record of nothing", Record(HandshakeType, []), null },
        { "no record", [1, 2, 3], null },
        { "nothing", [], null },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void It_tells_what_it_can(string what, byte[] records, bool? resumes)
    {
        Assert.True(TlsAnswer.Resumes(records) == resumes, what);
        for (int length = 0; length < records.Length; length++)
        {
            // Whatever is missing, nothing is thrown.
            TlsAnswer.Resumes(records.AsSpan(0, length));
        }
    }

    private static byte[] Record(byte type, byte[] inside) => [type, 3, 3, 0, (byte)inside.Length, .. inside];

    private static byte[] ServerHello(byte[][] extensions, byte[]? random = null)
    {
        byte[] all = [.. extensions.SelectMany(extension => extension)];
        byte[] body = [3, 3, .. random ?? new byte[32], 4, 1, 2, 3, 4, 0x13, 2, 0, 0, (byte)all.Length, .. all];
        return [2, 0, 0, (byte)body.Length, .. body];
    }
}
