using System.Text.Json;
using MessageDelivery.Integration.Tests.Support;

namespace MessageDelivery.Integration.Tests;

/// <summary>The hub answers every vector of <c>spec/vectors</c> as it says.</summary>
public sealed class VectorTests
{
    public static TheoryData<string> TextTranscripts => VectorFile.Names("text-transcripts");

    public static TheoryData<string> BinaryTranscripts => VectorFile.Names("binary-transcripts");

    public static TheoryData<string> MixedTranscripts => VectorFile.Names("mixed-transcripts");

    public static TheoryData<string> InvalidFrames => VectorFile.Names("client-frames-invalid");

    [Theory]
    [MemberData(nameof(TextTranscripts))]
    public Task Text_users_see_what_the_transcript_says(string name) => Transcript.RunAsync(VectorFile.Entry("text-transcripts", name));

    [Theory]
    [MemberData(nameof(BinaryTranscripts))]
    public Task Binary_users_see_what_the_transcript_says(string name) => Transcript.RunAsync(VectorFile.Entry("binary-transcripts", name));

    [Theory]
    [MemberData(nameof(MixedTranscripts))]
    public Task Text_and_binary_users_see_what_the_transcript_says(string name) =>
        Transcript.RunAsync(VectorFile.Entry("mixed-transcripts", name));

    [Theory]
    [MemberData(nameof(InvalidFrames))]
    public async Task An_invalid_frame_gets_its_answer(string name)
    {
        JsonElement vector = VectorFile.Entry("client-frames-invalid", name);
        JsonElement answer = vector.GetProperty("answer");
        await using RunningHub hub = await RunningHub.StartAsync();
        await using RawConnection client = vector.GetProperty("first").GetBoolean() ? await hub.ConnectAsync() : await hub.BinaryAsync();

        await client.SendAsync(VectorBytes.Join(vector.GetProperty("bytes")));

        if (vector.GetProperty("closes").GetBoolean())
        {
            await client.ExpectGoodbyeAsync(VectorBytes.Code(answer));
            await client.ExpectClosedAsync();
        }
        else
        {
            await client.ExpectErrorAsync(VectorBytes.Code(answer), VectorBytes.Correlation(answer));
            await client.SendAsync(Frames.Identity);
            await client.ExpectAsync(Frames.IdentityReply(1));
        }
    }
}
