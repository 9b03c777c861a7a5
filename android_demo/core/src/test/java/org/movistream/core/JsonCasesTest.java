package org.movistream.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.List;
import java.util.Map;
import org.junit.Test;

/** What is JSON for Python's reader of manifests is JSON here, and nothing else is. */
public final class JsonCasesTest {
    @Test
    public void textsThatAreJsonAndTextsThatAreNone() throws Exception {
        List<Object> cases = SharedCases.list(SharedCases.read("json_cases/texts.json"));
        for (Object each : cases) {
            Map<String, Object> one = SharedCases.object(each);
            String text = (String) one.get("text");
            Object value;
            try {
                value = Json.parse(text);
            } catch (ModelException error) {
                assertTrue(text, error.getMessage().startsWith("no JSON"));
                assertTrue(text + ": " + error.getMessage(), !one.containsKey("value"));
                continue;
            }
            assertTrue("this is no JSON: " + text, one.containsKey("value"));
            assertEquals(text, Json.parse((String) one.get("value")), value);
        }
        assertTrue(cases.size() > 70);
    }
}
