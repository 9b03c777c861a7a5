package org.movistream.demo;

import org.movistream.core.EngineException;
import org.movistream.core.Manifest;
import org.movistream.core.ModelDescription;
import org.movistream.core.ModelException;
import org.movistream.core.YuvFrame;
import org.movistream.demo.logic.engines.ChosenEngine;
import org.movistream.demo.logic.engines.EngineChoice;
import org.movistream.demo.logic.engines.EngineNotice;
import org.movistream.demo.logic.engines.LowMemoryException;
import org.movistream.demo.logic.models.ModelShelf;
import org.movistream.demo.logic.models.ModelStoreException;
import org.movistream.demo.logic.settings.Settings;
import org.movistream.demo.logic.watching.CoreSession;
import org.movistream.demo.logic.watching.Loaded;
import org.movistream.demo.logic.watching.LoadException;
import org.movistream.demo.logic.watching.Note;
import org.movistream.demo.logic.watching.NoteKind;
import org.movistream.demo.logic.watching.Watcher;

/** From settings to a model that watches. */
final class ModelLoader implements Watcher.Loader<YuvFrame> {
    private final ModelShelf shelf;
    private final EngineChoice choice;
    private final Words words;

    ModelLoader(ModelShelf shelf, EngineChoice choice, Words words) {
        this.shelf = shelf;
        this.choice = choice;
        this.words = words;
    }

    @Override
    public Loaded<YuvFrame> load(Settings settings) throws LoadException {
        try {
            ModelDescription model = describe(settings);
            ChosenEngine engine = open(model, settings);
            Manifest manifest = model.manifest;
            String engineName = engine.engine().description();
            return new Loaded<YuvFrame>(CoreSession.begin(manifest, engine, settings),
                    manifest.name + " (" + manifest.quantization + ")", engineName,
                    notice(engine));
        } catch (ModelStoreException error) {
            throw new LoadException(Note.of(NoteKind.FILE_FAILED,
                    words.trouble(error.trouble(), error.detail())), error);
        } catch (ModelException | EngineException error) {
            throw new LoadException(
                    Note.of(NoteKind.MODEL_FAILED, error.getMessage()), error);
        } catch (LowMemoryException error) {
            throw new LoadException(Note.of(NoteKind.LOW_MEMORY), error);
        }
    }

    /** The checked file of the chosen model, or of the first where that is gone. */
    ModelDescription describe(Settings settings) throws ModelStoreException, ModelException {
        return ModelDescription.read(shelf.file(shelf.entry(settings.model()).id()));
    }

    /** The engine for it, which the caller closes. */
    ChosenEngine open(ModelDescription model, Settings settings)
            throws EngineException, LowMemoryException {
        return choice.open(model.manifest, model.fileBytes, new LiteRtSource(model),
                settings.threads(), settings.horizonFrames(), settings.gpu());
    }

    private static Note notice(ChosenEngine engine) {
        EngineNotice notice = engine.notice();
        return notice == EngineNotice.NONE ? null
                : Note.of(NoteKind.valueOf(notice.name()), engine.cosine());
    }
}
